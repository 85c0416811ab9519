#include "support/net_node.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "engine/base/error.hpp"
#include "support/raw_socket.hpp"

namespace cppwax::test {

using transport::ClusterSettings;
using transport::FormEnd;

std::vector<std::string> free_addresses(std::size_t count) {
  static std::atomic<int> calls{0};
  const int pid = static_cast<int>(::getpid());
  for (;;) {
    const std::string port = std::to_string(20'000 + calls++);
    std::vector<std::string> addresses;
    for (std::size_t i = 0; i < count; ++i) {
      addresses.push_back("127." + std::to_string(1 + pid / 250 % 250) + "." +
                          std::to_string(pid % 250) + "." + std::to_string(i + 1) + ":" + port);
    }
    if (std::all_of(addresses.begin(), addresses.end(), is_free)) return addresses;
  }
}

ClusterSettings settings_for(std::uint32_t process, const std::vector<std::string>& addresses) {
  ClusterSettings settings;
  settings.process = ProcessIndex(process);
  settings.addresses = addresses;
  settings.security = transport::SharedSecret{kSecret};
  settings.facts.cppwax_version = "0.1.0";
  settings.facts.python_version = "3.11";
  settings.facts.workers_per_process = 2;
  settings.facts.flow_id = "flow";
  settings.facts.fingerprint = "steps";
  settings.channel_count = 4;
  settings.step_count = 6;
  settings.timing.connect_timeout = std::chrono::minutes(10);
  settings.timing.hello_limit = std::chrono::minutes(1);
  settings.timing.warn_after = std::chrono::minutes(5);
  settings.timing.peer_timeout = std::chrono::minutes(10);
  settings.timing.failure_wait = std::chrono::minutes(10);
  settings.timing.close_limit = std::chrono::seconds(5);
  return settings;
}

NetNode::NetNode(ClusterSettings settings) : cluster_(std::move(settings), *this, system_clock()) {}

std::future<FormEnd> NetNode::form() {
  return std::async(std::launch::async, [this] { return cluster_.form(); });
}

std::future<std::string> NetNode::form_text() {
  return std::async(std::launch::async, [this]() -> std::string {
    try {
      return cluster_.form() == FormEnd::kJoined ? "joined" : "interrupted";
    } catch (const TransportError& error) {
      return error.what();
    }
  });
}

template <class Change>
void NetNode::note(Change&& change) {
  {
    const std::lock_guard lock(mutex_);
    change(seen_);
  }
  changed_.notify_all();
}

void NetNode::on_message(ProcessIndex from, transport::Message message) {
  if (on_each) return on_each(from, std::move(message));
  note([&](Seen& seen) { seen.messages.emplace_back(from, std::move(message)); });
}
void NetNode::on_failure(const transport::Failure& failure) {
  note([&](Seen& seen) { seen.failures.push_back(failure); });
}
void NetNode::on_lost(ProcessIndex, const std::string& text) {
  note([&](Seen& seen) { seen.lost.push_back(text); });
}
void NetNode::on_abandoned(ProcessIndex process) {
  note([&](Seen& seen) { seen.abandoned.push_back(process); });
}
void NetNode::on_warning(const std::string& text) {
  note([&](Seen& seen) { seen.warnings.push_back(text); });
}

NetNode::Seen NetNode::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void NetNode::wait(const std::function<bool(const Seen&)>& holds) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return holds(seen_); });
}

void NetNode::wait_for_warning(const std::string& part) {
  wait([&](const Seen& seen) {
    for (const std::string& text : seen.warnings) {
      if (text.find(part) != std::string::npos) return true;
    }
    return false;
  });
}

bool NetNode::warned(const std::string& part) {
  for (const std::string& text : seen().warnings) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

std::vector<std::unique_ptr<NetNode>> formed_cluster(
    std::size_t count, const std::function<void(ClusterSettings&)>& change) {
  const std::vector<std::string> addresses = free_addresses(count);
  std::vector<std::unique_ptr<NetNode>> nodes;
  std::vector<std::future<FormEnd>> forming;
  for (std::uint32_t i = 0; i < count; ++i) {
    ClusterSettings settings = settings_for(i, addresses);
    if (change) change(settings);
    nodes.push_back(std::make_unique<NetNode>(std::move(settings)));
    forming.push_back(nodes.back()->form());
  }
  for (auto& one : forming) one.get();
  for (const auto& node : nodes) node->cluster().start();
  return nodes;
}

}  // namespace cppwax::test
