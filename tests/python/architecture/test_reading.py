"""What the small readers of C++ and Python find in code as it is written here."""

from __future__ import annotations

import pytest

from tests.python.architecture import _cpp, _python

CPP = r"""
#include <vector>
#define MACRO(x) \
  void not_a_function() { x; }

namespace cppwax::worker {

struct Options {
  int count{3};
  std::vector<int> sizes = {1, 2, 3};
  std::function<void()> hook = [](int a) { use(a); };
};

enum class Kind : std::uint8_t { kOne, kTwo };

template <typename T, typename = std::enable_if_t<(sizeof(T) > 1)>>
class Guarded {
 public:
  explicit Guarded(T value) : value_{std::move(value)}, other_(1) {}

  Guarded(const Guarded&) = delete;
  bool operator==(const Guarded& other) const { return true; }
  void operator()(int a) { call(a); }
  ~Guarded() override { close(); }

  template <typename Use>
  auto with(Use&& use) noexcept(noexcept(use(value_))) -> decltype(use(value_)) {
    return use([&](int a, int b) {
      return a + b;  // an unbalanced { in a comment
    });
  }

 private:
  T value_;
};

void Worker::step(Epoch epoch, std::map<int, std::string> by_name,
                  const std::function<void(int, int)>& call) {
  const char* text = "a { in a literal";
  for (auto [key, value] : by_name) {
    if (key == 'x' || key == '{') continue;
  }
}

int find_operator(int a) { return a; }

decltype(auto) deduced(int a, int b) { return a; }

[[nodiscard]] int no_parameters() { return 1'000'000; }

}  // namespace cppwax::worker
"""


def test_functions_of_cpp() -> None:
    found = {f.name: (f.line_count, f.parameter_count) for f in _cpp.functions(CPP)}
    assert found == {
        "Guarded": (1, 1),
        "operator==": (1, 1),
        "operator()": (1, 1),
        "~Guarded": (1, 0),
        "with": (6, 1),
        "Worker::step": (7, 3),
        "find_operator": (1, 1),
        "deduced": (1, 2),
        "no_parameters": (1, 0),
    }


def test_a_constructor_with_braced_members_is_measured_whole() -> None:
    text = "Worker::Worker(int a)\n    : a_{a},\n      b_{a} {\n  run();\n}\n"
    assert [(f.name, f.line_count) for f in _cpp.functions(text)] == [("Worker::Worker", 5)]


def test_test_cases_are_functions() -> None:
    text = "TEST(Hash, Same) {\n  EXPECT_TRUE(same());\n}\n"
    assert [(f.name, f.line_count) for f in _cpp.functions(text)] == [("TEST", 3)]


def test_includes_of_cpp() -> None:
    text = '#include "engine/base/ids.hpp"\n/* #include <a> */\n#  include <vector>\n'
    assert _cpp.includes(text) == [
        _cpp.Include(1, "engine/base/ids.hpp", True),
        _cpp.Include(3, "vector", False),
    ]


@pytest.mark.parametrize(
    ("path", "text", "module"),
    [
        ("python/cppwax/inputs.py", "from . import errors", "cppwax.errors"),
        ("python/cppwax/inputs.py", "from .errors import X", "cppwax.errors.X"),
        ("python/cppwax/operators/_a.py", "from .. import inputs", "cppwax.inputs"),
        ("python/cppwax/operators/__init__.py", "from ._a import x", "cppwax.operators._a.x"),
        ("python/cppwax/run.py", "import cppwax.inputs as i", "cppwax.inputs"),
    ],
)
def test_imports_of_python(path: str, text: str, module: str) -> None:
    assert [imported.module for imported in _python.imports(path, text)] == [module]


def test_functions_of_python() -> None:
    text = '''
class Source:
    def build(self, step_id: str, *rest: int, index: int = 0) -> None:
        """Build.

        Long."""
        def inner() -> None: ...
        inner()
'''
    assert list(_python.functions(text)) == [
        _python.Function("Source.build", 3, 3, 2),
        _python.Function("Source.build.inner", 7, 1, 0),
    ]
