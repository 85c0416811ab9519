#include "engine/transport/hello.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace cppwax::transport {

namespace {

constexpr std::string_view kMagic = "CPPWAX";

// Versions go into messages on a terminal: nothing but printable ASCII of the other side's.
std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string name_of(ProcessIndex process) {
  return "process " + std::to_string(process.value());
}

void read_facts(WireReader& in, HelloFacts& facts) {
  facts.python_version = printable(in.text<std::uint8_t>(HelloFacts::kMaxVersion));
  facts.process_count = in.number<std::uint32_t>();
  facts.workers_per_process = in.number<std::uint32_t>();
  const auto recovery = in.number<std::uint8_t>();
  if (recovery > 1) in.fail(WireError::kBadValue);
  facts.recovery = recovery == 1;
  facts.flow_id = in.text<std::uint8_t>(HelloFacts::kMaxFlowId);
  facts.fingerprint = in.text<std::uint8_t>(HelloFacts::kMaxFingerprint);
  facts.peer_timeout_ms = in.number<std::uint32_t>();
}

void read_names(WireReader& in, Hello& hello) {
  const auto role = in.number<std::uint8_t>();
  const auto verdict = in.number<std::uint8_t>();
  if (role > 1 || verdict > static_cast<std::uint8_t>(Verdict::kComplete)) {
    in.fail(WireError::kBadValue);
  }
  hello.role = static_cast<Role>(role);
  hello.verdict = static_cast<Verdict>(verdict);
  hello.dialler = ProcessIndex(in.number<std::uint32_t>());
  hello.listener = ProcessIndex(in.number<std::uint32_t>());
  const std::span<const std::byte> run = in.take(hello.run.size());
  std::copy(run.begin(), run.end(), hello.run.begin());
}

// One side's view of two hellos that should fit.
class Comparison {
 public:
  Comparison(const Hello& mine, const Hello& theirs, const std::string& address)
      : mine_(mine), theirs_(theirs), address_(address) {}

  std::optional<Mismatch> versions() const {
    const HelloFacts& mine = mine_.facts;
    const HelloFacts& theirs = theirs_.facts;
    if (mine_.wire_version != theirs_.wire_version) {
      return Mismatch{Mismatch::Kind::kWireVersion,
                      "the process at " + address_ + " runs cppwax " + theirs.cppwax_version +
                          " (wire version " + std::to_string(theirs_.wire_version) +
                          "), this one cppwax " + mine.cppwax_version + " (wire version " +
                          std::to_string(mine_.wire_version) +
                          "): install the same version everywhere"};
    }
    if (mine_.role == theirs_.role) {
      return Mismatch{Mismatch::Kind::kReflected, "it sends back what it is sent"};
    }
    if (mine.cppwax_version != theirs.cppwax_version) {
      return differ(Mismatch::Kind::kCppwaxVersion, "runs cppwax " + theirs.cppwax_version,
                    "cppwax " + mine.cppwax_version, "install the same version everywhere");
    }
    if (mine.python_version != theirs.python_version) {
      return differ(Mismatch::Kind::kPythonVersion, "runs Python " + theirs.python_version,
                    "Python " + mine.python_version, "run the same version everywhere");
    }
    return std::nullopt;
  }

  std::optional<Mismatch> place() const {
    const HelloFacts& mine = mine_.facts;
    const HelloFacts& theirs = theirs_.facts;
    if (mine.process_count != theirs.process_count) {
      return differ(Mismatch::Kind::kProcessCount,
                    "has " + std::to_string(theirs.process_count) + " addresses in its list",
                    std::to_string(mine.process_count), "give all processes the same address list");
    }
    if (theirs_.dialler <= theirs_.listener || theirs_.dialler.value() >= theirs.process_count) {
      return Mismatch{Mismatch::Kind::kIndex,
                      "the process at " + address_ + " says that " + name_of(theirs_.dialler) +
                          " calls " + name_of(theirs_.listener) +
                          ", which none does: look at its process index and address list"};
    }
    const bool listener_is_another = mine_.listener != theirs_.listener;
    if (listener_is_another || mine_.dialler != theirs_.dialler) return another_index();
    return std::nullopt;
  }

  std::optional<Mismatch> flow() const {
    const HelloFacts& mine = mine_.facts;
    const HelloFacts& theirs = theirs_.facts;
    if (cut_text(mine.flow_id, HelloFacts::kMaxFlowId) != theirs.flow_id) {
      return differ(Mismatch::Kind::kDataflow,
                    "runs the dataflow \"" + printable(theirs.flow_id) + "\"",
                    "\"" + mine.flow_id + "\"", "start all processes with the same dataflow");
    }
    if (mine.fingerprint != theirs.fingerprint) {
      return differ(Mismatch::Kind::kDataflow,
                    "has other steps in the dataflow \"" + mine.flow_id + "\"", "its own",
                    "start all processes from the same version of the program");
    }
    if (mine.workers_per_process != theirs.workers_per_process) {
      return differ(Mismatch::Kind::kWorkers,
                    "has " + std::to_string(theirs.workers_per_process) + " workers",
                    std::to_string(mine.workers_per_process),
                    "start all processes with the same number (-w)");
    }
    if (mine.recovery != theirs.recovery) {
      return differ(Mismatch::Kind::kRecovery,
                    theirs.recovery ? "runs with recovery" : "runs without recovery",
                    mine.recovery ? "with it" : "without it",
                    "start all processes with -r, or none");
    }
    return std::nullopt;
  }

  // A process that dials process 0 knows no run yet.
  std::optional<Mismatch> run() const {
    const RunId none{};
    const Hello& dialler = mine_.role == Role::kDialler ? mine_ : theirs_;
    const bool asks = dialler.run == none && dialler.listener == ProcessIndex(0);
    if (asks || mine_.run == theirs_.run) return std::nullopt;
    return Mismatch{Mismatch::Kind::kRun,
                    who() +
                        " belongs to another start of the cluster than this one (an earlier "
                        "one that still runs?): end all its processes and start them together"};
  }

 private:
  std::string who() const { return name_of(theirs_.sender()) + " (" + address_ + ")"; }

  Mismatch differ(Mismatch::Kind kind, const std::string& they, const std::string& we,
                  const std::string& way_out) const {
    return {kind, who() + " " + they + ", this one (" + name_of(mine_.sender()) + ") " + we + ": " +
                      way_out};
  }

  Mismatch another_index() const {
    if (mine_.role == Role::kDialler) {
      return {Mismatch::Kind::kIndex,
              "the process at " + address_ + " says that it is " + name_of(theirs_.listener) +
                  "; the address list says that it is " + name_of(mine_.listener) +
                  ": give all processes the same address list in the same order"};
    }
    return {Mismatch::Kind::kIndex,
            who() + " takes this process for " + name_of(theirs_.listener) + ", it is " +
                name_of(mine_.listener) +
                ": give all processes the same address list in the same order"};
  }

  const Hello& mine_;
  const Hello& theirs_;
  const std::string& address_;
};

}  // namespace

WireBytes Hello::write() const {
  ENGINE_ASSERT(facts.cppwax_version.size() <= HelloFacts::kMaxVersion, facts.cppwax_version);
  ENGINE_ASSERT(facts.python_version.size() <= HelloFacts::kMaxVersion, facts.python_version);
  ENGINE_ASSERT(facts.fingerprint.size() <= HelloFacts::kMaxFingerprint, facts.fingerprint.size());
  WireBytes body;
  WireWriter out(body);
  out.text<std::uint8_t>(facts.cppwax_version);
  out.text<std::uint8_t>(facts.python_version);
  out.number(facts.process_count);
  out.number(facts.workers_per_process);
  out.number(static_cast<std::uint8_t>(facts.recovery));
  out.text<std::uint8_t>(cut_text(facts.flow_id, HelloFacts::kMaxFlowId));
  out.text<std::uint8_t>(facts.fingerprint);
  out.number(facts.peer_timeout_ms);
  out.number(static_cast<std::uint8_t>(role));
  out.number(static_cast<std::uint8_t>(verdict));
  out.number(dialler.value());
  out.number(listener.value());
  out.raw(run);
  WireBytes bytes;
  WireWriter prefix(bytes);
  prefix.raw(kMagic);
  prefix.number(wire_version);
  prefix.number(static_cast<std::uint16_t>(body.size()));
  prefix.raw(body);
  return bytes;
}

std::variant<HelloPrefix, HelloError> HelloPrefix::read(std::span<const std::byte> bytes) {
  WireReader in(bytes);
  const std::span<const std::byte> magic = in.take(kMagic.size());
  if (in.failed() || !std::ranges::equal(magic, std::as_bytes(std::span(kMagic)))) {
    return HelloError::kNoHello;
  }
  HelloPrefix prefix{};
  prefix.wire_version = in.number<std::uint16_t>();
  prefix.body_bytes = in.number<std::uint16_t>();
  if (in.failed()) return HelloError::kMalformed;
  if (prefix.body_bytes > kMaxHelloBytes - kBytes) return HelloError::kTooLong;
  return prefix;
}

std::variant<Hello, HelloError> read_hello_body(const HelloPrefix& prefix,
                                                std::span<const std::byte> body) {
  WireReader in(body);
  Hello hello;
  hello.wire_version = prefix.wire_version;
  hello.facts.cppwax_version = printable(in.text<std::uint8_t>(HelloFacts::kMaxVersion));
  if (prefix.wire_version != kOurWireVersion) {
    if (in.failed()) return HelloError::kMalformed;
    return hello;
  }
  read_facts(in, hello.facts);
  read_names(in, hello);
  in.finish();
  if (in.failed()) return HelloError::kMalformed;
  return hello;
}

std::optional<Mismatch> compare(const Hello& mine, const Hello& theirs,
                                const std::string& peer_address) {
  const Comparison comparison(mine, theirs, peer_address);
  if (auto found = comparison.versions()) return found;
  if (auto found = comparison.place()) return found;
  if (auto found = comparison.flow()) return found;
  return comparison.run();
}

}  // namespace cppwax::transport
