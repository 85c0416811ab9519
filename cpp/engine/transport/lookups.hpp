// From host names to numbers, by the system. Its lookup can take half a minute where a name server
// does not answer, and nothing ends it: so it runs on threads that nobody waits for. Free of Asio.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cppwax::transport {

struct Found {
  std::vector<std::string> numbers;  // "10.0.0.1", "fe80::1%eth0"; none: not found
  std::string trouble;               // why not
};

// Takes as long as it takes. Any thread.
Found look_up(const std::string& host);

// Belongs to one thread, but that `Done` is called on others. Its threads take no signals if the
// owner's does not. Invariant: one lookup of a host at a time, so that there are never more threads
// than names.
class Lookups {
 public:
  using Done = std::function<void(const Found&)>;

  explicit Lookups(std::function<Found(const std::string&)> lookup = look_up);
  // No `Done` is called afterwards. Does not wait for lookups: what their threads use is theirs.
  ~Lookups();
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;

  // `done` must not wait, throw or call back: it is called under the lock of this.
  void start(const std::string& host, Done done);

 private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace cppwax::transport
