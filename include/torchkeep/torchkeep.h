// Everything: the core, and the LibTorch half for those who link torchkeep::torchkeep.
#pragma once

#include <torchkeep/average.h>
#include <torchkeep/cast.h>
#include <torchkeep/checkpoint_list.h>
#include <torchkeep/checkpoint_manager.h>
#include <torchkeep/convert_file.h>
#include <torchkeep/diff.h>
#include <torchkeep/early_stopping.h>
#include <torchkeep/error.h>
#include <torchkeep/extract.h>
#include <torchkeep/inspect.h>
#include <torchkeep/interrupt.h>
#include <torchkeep/load.h>
#include <torchkeep/match.h>
#include <torchkeep/module_tree.h>
#include <torchkeep/repair.h>
#include <torchkeep/retention_policy.h>
#include <torchkeep/save.h>
#include <torchkeep/scan.h>
#include <torchkeep/schedule.h>
#include <torchkeep/schedule_progress.h>
#include <torchkeep/state_dict.h>
#include <torchkeep/value.h>
#include <torchkeep/verify.h>
#include <torchkeep/version.h>

#ifdef TORCHKEEP_WITH_TORCH
#include <torchkeep/caching_allocator.h>
#include <torchkeep/checkpoint.h>
#include <torchkeep/convert.h>
#include <torchkeep/dataset.h>
#include <torchkeep/freeze.h>
#include <torchkeep/hub.h>
#include <torchkeep/model.h>
#include <torchkeep/model_class.h>
#include <torchkeep/model_summary.h>
#include <torchkeep/models.h>
#include <torchkeep/module.h>
#include <torchkeep/optimizer.h>
#include <torchkeep/random_state.h>
#include <torchkeep/resume_proof.h>
#include <torchkeep/scheduler.h>
#include <torchkeep/trainer.h>
#endif
