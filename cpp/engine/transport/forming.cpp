#include "engine/transport/forming.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/transport/spawn.hpp"
#include "engine/transport/tls.hpp"

namespace cppwax::transport {

namespace {

std::vector<Address> parse_all(const std::vector<std::string>& texts) {
  std::vector<Address> addresses;
  for (const std::string& text : texts) addresses.push_back(parse_address(text));
  return addresses;
}

RunId draw_run(ProcessIndex own) {
  RunId run{};
  if (own != ProcessIndex(0)) return run;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(run.data()), static_cast<int>(run.size())) != 1) {
    throw ConfigError("OpenSSL gives no random numbers: use another build of it");
  }
  return run;
}

HelloFacts facts_of(const ClusterSettings& settings) {
  HelloFacts facts = settings.facts;
  facts.process_count = static_cast<std::uint32_t>(settings.addresses.size());
  const auto timeout =
      std::chrono::ceil<std::chrono::milliseconds>(settings.timing.peer_timeout).count();
  facts.peer_timeout_ms =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(timeout, 1, std::int64_t{1} << 31));
  return facts;
}

std::string seconds(Duration duration) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

Forming::Forming(net::io_context& io, const ClusterSettings& settings, const Clock& clock,
                 FormingEvents& events)
    : io_(io),
      timing_(settings.timing),
      clock_(clock),
      events_(events),
      addresses_(parse_all(settings.addresses)),
      bind_(settings.bind ? parse_address(*settings.bind) : addresses_[settings.process.value()]),
      proof_{settings.security, make_tls_context(settings.security), settings.key_bytes,
             settings.timing.hello_limit},
      roster_(settings.process, facts_of(settings), settings.addresses, draw_run(settings.process)),
      names_(io, addresses_, clock),
      listener_(io, proof_, names_, *this),
      pause_(io),
      report_(io) {}

void Forming::start() {
  if (over_) return;
  started_ = clock_.steady();
  if (roster_.complete()) {
    over_ = true;
    events_.on_formed();
    return;
  }
  spawn(io_, begin());
  spawn(io_, report());
}

void Forming::stop() {
  over_ = true;
  listener_.stop();
  names_.stop();
  for (const auto& dialler : diallers_) dialler->stop();
  pause_.cancel();
  report_.cancel();
}

Awaitable<void> Forming::begin() {
  const bool listening = co_await listen();
  if (!listening || over_) co_return;
  listener_.start();
  names_.refresh();
  if (roster_.own() != ProcessIndex(0)) dial(ProcessIndex(0));
}

// The own name may get its meaning only now, where names are made as processes start.
Awaitable<bool> Forming::listen() {
  while (!over_) {
    if (own_trouble_.empty()) {
      own_trouble_ = "the name in " + bind_.text() + ", the address of this process, is still " +
                     "being looked up";
    }
    const Names::Resolved own = co_await names_.resolve(bind_);
    if (over_) break;
    if (own.trouble.empty()) {
      try {
        listener_.listen(bind_.text(), own.endpoints);
      } catch (const ConfigError& wrong) {
        on_refused(wrong.what());
        co_return false;
      }
      for (const Tcp::endpoint& endpoint : own.endpoints) local_.push_back(endpoint.address());
      own_trouble_.clear();
      co_return true;
    }
    own_trouble_ =
        "cannot resolve " + bind_.text() + ", the address of this process (" + own.trouble + ")";
    warn_once(own_trouble_ + "; trying again");
    ErrorCode cancelled;
    pause_.expires_after(std::chrono::seconds(1));
    co_await pause_.async_wait(into(cancelled));
  }
  co_return false;
}

void Forming::dial(ProcessIndex process) {
  JoinGate& gate = *this;
  auto dialler = std::make_unique<Dialler>(io_, proof_, names_, gate,
                                           Dialler::Target{process, addresses_[process.value()]});
  // Under TLS nobody asks for the address, and any way will do.
  if (!proof_.tls) dialler->call_from(local_);
  dialler->start();
  diallers_.push_back(std::move(dialler));
}

void Forming::on_joined(ProcessIndex process, std::unique_ptr<Stream> stream, const Hello& theirs) {
  if (over_ || !roster_.join(process)) {
    stream->close();
    return;
  }
  events_.on_peer(process, std::move(stream), theirs);
  if (process == ProcessIndex(0)) {
    for (std::uint32_t i = 1; i < roster_.own().value(); ++i) dial(ProcessIndex(i));
  }
  if (!roster_.complete()) return;
  over_ = true;
  report_.cancel();
  events_.on_formed();
}

void Forming::on_refused(const std::string& text) {
  if (over_) return;
  stop();
  events_.on_not_formed(text);
}

void Forming::warn_once(const std::string& text) {
  if (!text.empty() && warned_.first(text)) events_.on_forming_warning(text);
}

Awaitable<void> Forming::report() {
  while (!over_) {
    ErrorCode cancelled;
    const Duration left = timing_.connect_timeout - waited();
    report_.expires_after(std::clamp(left, Duration::zero(), timing_.report_every));
    co_await report_.async_wait(into(cancelled));
    if (over_) break;
    if (waited() >= timing_.connect_timeout) {
      give_up();
      break;
    }
    for (const std::string& line : awaited(" (" + seconds(waited()) + ")")) {
      events_.on_forming_warning("waiting for " + line);
    }
  }
}

void Forming::give_up() {
  std::string text = "not all processes joined within " + seconds(timing_.connect_timeout) + ":";
  const char* separator = " ";
  for (const std::string& line : awaited(" is missing")) {
    text += std::exchange(separator, "; ") + line;
  }
  if (!own_trouble_.empty()) text += std::string(separator) + "and " + own_trouble_;
  on_refused(text);
}

std::vector<std::string> Forming::awaited(const std::string& between) const {
  std::vector<std::string> lines;
  for (const ProcessIndex process : roster_.missing()) {
    // Without the run's id nobody else can be asked or answered.
    if (!roster_.knows_run() && process != ProcessIndex(0)) continue;
    std::string line =
        "process " + std::to_string(process.value()) + " at " + roster_.address(process) + between;
    for (const auto& dialler : diallers_) {
      if (dialler->process() != process || dialler->trouble().empty()) continue;
      line += ": " + dialler->trouble();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace cppwax::transport
