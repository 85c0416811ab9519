#include "engine/transport/lookups.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <map>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/base/guarded.hpp"

namespace cppwax::transport {

Found look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (failed != 0) {
    const bool has_code = failed == EAI_SYSTEM;
    return {{}, has_code ? std::generic_category().message(errno) : ::gai_strerror(failed)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  Found found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> number{};
    const int unnamed = ::getnameinfo(each->ai_addr, each->ai_addrlen, number.data(), number.size(),
                                      nullptr, 0, NI_NUMERICHOST);
    if (unnamed == 0) found.numbers.emplace_back(number.data());
  }
  if (found.numbers.empty()) found.trouble = "it has no address";
  return found;
}

struct Lookups::Shared {
  // Those who wait, by host.
  using Waiting = std::map<std::string, std::vector<Done>>;

  std::function<Found(const std::string&)> lookup;
  Guarded<Waiting> waiting;

  void run(const std::string& host) {
    try {
      tell(host, lookup(host));
    } catch (const std::exception& error) {  // no memory
      tell(host, {{}, error.what()});
    }
  }
  // Told while it is held: so nobody is told once the owner has gone.
  void tell(const std::string& host, const Found& found) {
    waiting.with([&](Waiting& all) {
      const auto those = all.find(host);
      if (those == all.end()) return;
      for (const Done& done : those->second) done(found);
      all.erase(those);
    });
  }
};

Lookups::Lookups(std::function<Found(const std::string&)> lookup)
    : shared_(std::make_shared<Shared>()) {
  shared_->lookup = std::move(lookup);
}

Lookups::~Lookups() {
  shared_->waiting.with([](Shared::Waiting& all) { all.clear(); });
}

void Lookups::start(const std::string& host, Done done) {
  const bool under_way = shared_->waiting.with([&](Shared::Waiting& all) {
    std::vector<Done>& those = all[host];
    those.push_back(std::move(done));
    return those.size() > 1;
  });
  if (under_way) return;
  try {
    std::thread([shared = shared_, host] { shared->run(host); }).detach();
  } catch (const std::system_error& error) {
    shared_->tell(host, {{}, std::string("no thread for it: ") + error.what()});
  }
}

}  // namespace cppwax::transport
