// What a recovery store may be refused for. The kind is for the bindings, which raise an exception
// class of its own for some of them; the message names file, cause and remedy.
#pragma once

#include <string>

#include "engine/base/error.hpp"

namespace cppwax::recovery {

enum class StoreFault {
  kBadCount,       // of partitions: asked for, or different in files that belong together
  kNoFolder,       // the folder is not there
  kNotAFolder,     // there is a file of that name
  kAlreadyThere,   // a store is made where one lies
  kNoPartitions,   // nowhere a partition
  kMissing,        // some of the store's partitions are nowhere
  kInconsistent,   // partitions that do not belong together, or are too far apart in time
  kInUse,          // another run has it
  kUnsafe,         // others than its owner may write to it
  kNotAPartition,  // it is no file of cppwax
  kNewer,          // made by a later cppwax
  kOtherFlow,      // it belongs to another flow
  kDamaged,        // its content cannot be what was written
  kDiskFull,
  kNotWritable,
  kDisk,  // input and output errors, and all else that a disk can do
};

class StoreError : public RecoveryError {
 public:
  StoreError(StoreFault kind, const std::string& message) : RecoveryError(message), fault(kind) {}

  StoreFault fault;
};

}  // namespace cppwax::recovery
