#include "engine/base/error.hpp"

namespace cppwax {

void fail_assertion(const char* file, int line, const char* condition,
                    const std::string& operands) {
  std::ostringstream message;
  message << file << ':' << line << ": " << condition;
  if (!operands.empty()) message << "; " << operands;
  throw InvariantError(std::move(message).str());
}

}  // namespace cppwax
