// Processes of a cluster as objects of one test program, each with its own I/O thread, on loopback
// addresses that no other test has.
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/transport/cluster.hpp"

namespace cppwax::test {

// "127.a.b.c:port" for each process; other ones at every call.
std::vector<std::string> free_addresses(std::size_t count);

// Of a cluster that is patient enough for a slow machine.
transport::ClusterSettings settings_for(std::uint32_t process,
                                        const std::vector<std::string>& addresses);

inline const std::string kSecret = "0123456789abcdef0123456789abcdef";

// A cluster's process that writes down what it is told. Thread-safe.
class NetNode final : public transport::Handler {
 public:
  struct Seen {
    std::vector<std::pair<ProcessIndex, transport::Message>> messages;
    std::vector<transport::Failure> failures;
    std::vector<std::string> lost;
    std::vector<ProcessIndex> abandoned;
    std::vector<std::string> warnings;
  };

  explicit NetNode(transport::ClusterSettings settings);
  NetNode(std::uint32_t process, const std::vector<std::string>& addresses)
      : NetNode(settings_for(process, addresses)) {}

  transport::Cluster& cluster() { return cluster_; }

  // On a thread of its own. What `form` throws comes out of the future.
  std::future<transport::FormEnd> form();
  // The text of what `form` throws, "joined" or "interrupted".
  std::future<std::string> form_text();

  void on_message(ProcessIndex from, transport::Message message) override;
  void on_failure(const transport::Failure& failure) override;
  void on_lost(ProcessIndex process, const std::string& text) override;
  void on_abandoned(ProcessIndex process) override;
  void on_warning(const std::string& text) override;

  // Instead of writing messages down. Set before `start`.
  std::function<void(ProcessIndex, transport::Message)> on_each;

  Seen seen();
  // Waits until it holds of what has been seen; there is no limit but the test's.
  void wait(const std::function<bool(const Seen&)>& holds);
  void wait_for_warning(const std::string& part);
  bool warned(const std::string& part);

 private:
  template <class Change>
  void note(Change&& change);

  std::mutex mutex_;
  std::condition_variable changed_;
  Seen seen_;
  transport::Cluster cluster_;
};

// Processes 0 to count - 1 that have joined and started.
std::vector<std::unique_ptr<NetNode>> formed_cluster(
    std::size_t count, const std::function<void(transport::ClusterSettings&)>& change = {});

}  // namespace cppwax::test
