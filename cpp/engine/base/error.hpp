// What may go wrong, as exceptions that end an execution, and the assertion for our own bugs.
// Expected outcomes (nothing ready, end of data) are values, never exceptions.
#pragma once

#include <exception>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/base/ids.hpp"

namespace cppwax {

// Where in the execution something happened; filled in by whoever knows.
struct ErrorContext {
  StepId step;  // empty: no step
  std::optional<WorkerIndex> worker;
  std::optional<ProcessIndex> process;
  std::optional<Epoch> epoch;
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}

  ErrorContext context;
};

// The flow or its settings cannot run as given.
class ConfigError : public Error {
  using Error::Error;
};

// A peer or the network let us down.
class TransportError : public Error {
  using Error::Error;
};

// The recovery store is missing, damaged or does not fit.
class RecoveryError : public Error {
  using Error::Error;
};

// A user's callback failed. `cause` is the bindings' own exception, opaque here.
// `doing` completes the sentence "failed while …", e.g. "calling `on_batch` for key 'a'".
class UserCodeError : public Error {
 public:
  UserCodeError(std::string what_was_done, std::exception_ptr original)
      : Error("user code failed while " + what_was_done),
        doing(std::move(what_was_done)),
        cause(std::move(original)) {}

  std::string doing;
  std::exception_ptr cause;
};

// A bug of ours.
class InvariantError : public Error {
  using Error::Error;
};

// Says "file:line: condition; operand = value, …" and throws InvariantError.
[[noreturn]] void fail_assertion(const char* file, int line, const char* condition,
                                 const std::string& operands);

namespace detail {
template <class... Operands>
std::string print_operands(const char* names, const Operands&... operands) {
  std::ostringstream out;
  if constexpr (sizeof...(operands) > 0) {
    out << names << " =";
    ((out << ' ' << operands), ...);
  }
  return std::move(out).str();
}
}  // namespace detail

}  // namespace cppwax

// ENGINE_ASSERT(condition, operands…): always on; prints the operands.
#define ENGINE_ASSERT(condition, ...)                                                 \
  do {                                                                                \
    if (!(condition)) [[unlikely]]                                                    \
      ::cppwax::fail_assertion(                                                       \
          __FILE__, __LINE__, #condition,                                             \
          ::cppwax::detail::print_operands(#__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__)); \
  } while (false)
