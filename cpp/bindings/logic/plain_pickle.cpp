#include "bindings/logic/plain_pickle.hpp"

#include <bit>
#include <cstdint>

namespace cppwax::bindings {

namespace {

// Opcodes, as Lib/pickle.py names them.
constexpr char kProto = '\x80';
constexpr char kStop = '.';
constexpr char kNone = 'N';
constexpr char kNewTrue = '\x88';
constexpr char kNewFalse = '\x89';
constexpr char kBinInt1 = 'K';
constexpr char kBinInt2 = 'M';
constexpr char kBinInt = 'J';
constexpr char kLong1 = '\x8a';
constexpr char kBinFloat = 'G';
constexpr char kShortBinUnicode = '\x8c';
constexpr char kMark = '(';
constexpr char kTuple = 't';
constexpr char kEmptyTuple = ')';

constexpr Py_ssize_t kMostItems = 8;
constexpr int kDeepest = 3;
constexpr Py_ssize_t kMostUtf8 = 255;

// Integers are little-endian.
void append_number(std::string& to, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(number >> (8 * i) & 0xff);
}

bool append_int(std::string& to, PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow != 0) return false;
  const auto bits = static_cast<std::uint64_t>(number);
  if (number >= 0 && number <= 0xff) {
    to += kBinInt1;
    append_number(to, bits, 1);
  } else if (number >= 0 && number <= 0xffff) {
    to += kBinInt2;
    append_number(to, bits, 2);
  } else if (number >= INT32_MIN && number <= INT32_MAX) {
    to += kBinInt;
    append_number(to, bits, 4);
  } else {
    // In two's complement, of whatever length.
    to += kLong1;
    to += '\x08';
    append_number(to, bits, 8);
  }
  return true;
}

void append_float(std::string& to, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  to += kBinFloat;
  for (int i = 7; i >= 0; --i) to += static_cast<char>(bits >> (8 * i) & 0xff);
}

bool append_str(std::string& to, PyObject* value) {
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(value, &size);
  if (utf8 == nullptr) {
    // With lone surrogates, which Python's pickler knows how to write.
    PyErr_Clear();
    return false;
  }
  if (size > kMostUtf8) return false;
  to += kShortBinUnicode;
  to += static_cast<char>(size);
  to.append(utf8, static_cast<std::size_t>(size));
  return true;
}

bool append(std::string& to, PyObject* value, int depth);

bool append_tuple(std::string& to, PyObject* tuple, int depth) {
  const Py_ssize_t size = PyTuple_GET_SIZE(tuple);
  if (size > kMostItems || depth == kDeepest) return false;
  if (size == 0) {
    to += kEmptyTuple;
    return true;
  }
  to += kMark;
  for (Py_ssize_t i = 0; i < size; ++i) {
    if (!append(to, PyTuple_GET_ITEM(tuple, i), depth + 1)) return false;
  }
  to += kTuple;
  return true;
}

bool append(std::string& to, PyObject* value, int depth) {
  if (value == Py_None || value == Py_True || value == Py_False) {
    to += value == Py_None ? kNone : value == Py_True ? kNewTrue : kNewFalse;
    return true;
  }
  if (PyLong_CheckExact(value)) return append_int(to, value);
  if (PyFloat_CheckExact(value)) {
    append_float(to, PyFloat_AS_DOUBLE(value));
    return true;
  }
  if (PyUnicode_CheckExact(value)) return append_str(to, value);
  if (PyTuple_CheckExact(value)) return append_tuple(to, value, depth);
  return false;
}

}  // namespace

std::optional<std::string> plain_pickle(PyObject* value) {
  std::string pickle{kProto, '\x05'};
  if (!append(pickle, value, 0)) return std::nullopt;
  pickle += kStop;
  return pickle;
}

}  // namespace cppwax::bindings
