// What listener and diallers tell whoever forms the cluster.
#pragma once

#include <memory>
#include <string>

#include "engine/transport/hello.hpp"
#include "engine/transport/roster.hpp"
#include "engine/transport/stream.hpp"

namespace cppwax::transport {

// Used on the I/O thread.
class JoinGate {
 public:
  virtual ~JoinGate() = default;
  virtual Roster& roster() = 0;
  // Both sides have agreed.
  virtual void on_joined(ProcessIndex process, std::unique_ptr<Stream> stream,
                         const Hello& theirs) = 0;
  // The cluster cannot form.
  virtual void on_refused(const std::string& text) = 0;
  // Told once, however often it happens. Nothing for no text.
  virtual void warn_once(const std::string& text) = 0;
};

}  // namespace cppwax::transport
