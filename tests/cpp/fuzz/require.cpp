#include <cstdlib>

#include "fuzz/target.hpp"

namespace cppwax::fuzz {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace cppwax::fuzz
