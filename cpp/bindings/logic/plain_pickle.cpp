#include "bindings/logic/plain_pickle.hpp"

#include <bit>
#include <cstdint>

#include "bindings/py_types.hpp"

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
constexpr char kTuple1 = '\x85';
constexpr char kTuple2 = '\x86';
constexpr char kTuple3 = '\x87';
constexpr char kShortBinBytes = 'C';
constexpr char kEmptyList = ']';
constexpr char kAppends = 'e';
constexpr char kEmptyDict = '}';
constexpr char kSetItems = 'u';

constexpr Py_ssize_t kMostItems = 8;
constexpr int kDeepest = 3;
constexpr Py_ssize_t kMostBytes = 255;

// An opcode and its number, little-endian, in so many bytes.
template <int kBytes>
void append_number(std::string& to, char opcode, std::uint64_t number) {
  char bytes[1 + kBytes];
  bytes[0] = opcode;
  for (int i = 0; i < kBytes; ++i) bytes[1 + i] = static_cast<char>(number >> (8 * i) & 0xff);
  to.append(bytes, sizeof bytes);
}

bool append_int(std::string& to, PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow != 0) return false;
  const auto bits = static_cast<std::uint64_t>(number);
  if (number >= 0 && number <= 0xff) {
    append_number<1>(to, kBinInt1, bits);
  } else if (number >= 0 && number <= 0xffff) {
    append_number<2>(to, kBinInt2, bits);
  } else if (number >= INT32_MIN && number <= INT32_MAX) {
    append_number<4>(to, kBinInt, bits);
  } else {
    // In two's complement, of whatever length.
    to += kLong1;
    append_number<8>(to, '\x08', bits);
  }
  return true;
}

void append_float(std::string& to, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  char bytes[9] = {kBinFloat};
  for (int i = 0; i < 8; ++i) bytes[1 + i] = static_cast<char>(bits >> (8 * (7 - i)) & 0xff);
  to.append(bytes, sizeof bytes);
}

bool append_str(std::string& to, PyObject* value) {
  if (PyUnicode_GET_LENGTH(value) > kMostBytes) return false;
  to += kShortBinUnicode;
  const std::size_t place = to.size();
  to += '\0';
  append_utf8(to, value);
  const std::size_t size = to.size() - place - 1;
  if (size > static_cast<std::size_t>(kMostBytes)) return false;
  to[place] = static_cast<char>(size);
  return true;
}

bool append_bytes(std::string& to, PyObject* value) {
  const Py_ssize_t size = PyBytes_GET_SIZE(value);
  if (size > kMostBytes) return false;
  to += kShortBinBytes;
  to += static_cast<char>(size);
  to.append(PyBytes_AS_STRING(value), static_cast<std::size_t>(size));
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
  constexpr Py_ssize_t kCounted = 3;  // longer ones begin with a mark
  if (size > kCounted) to += kMark;
  for (Py_ssize_t i = 0; i < size; ++i) {
    if (!append(to, PyTuple_GET_ITEM(tuple, i), depth + 1)) return false;
  }
  constexpr char kEnds[] = {kTuple1, kTuple2, kTuple3};
  to += size > kCounted ? kTuple : kEnds[size - 1];
  return true;
}

// What changes in place can be in a state twice, as one object, unless all else in it is immutable.
bool append_list(std::string& to, PyObject* list) {
  const Py_ssize_t size = PyList_GET_SIZE(list);
  if (size > kMostItems) return false;
  to += kEmptyList;
  if (size == 0) return true;
  to += kMark;
  for (Py_ssize_t i = 0; i < size; ++i) {
    if (!append(to, PyList_GET_ITEM(list, i), 1)) return false;
  }
  to += kAppends;
  return true;
}

bool append_dict(std::string& to, PyObject* dict) {
  if (PyDict_GET_SIZE(dict) > kMostItems) return false;
  to += kEmptyDict;
  if (PyDict_GET_SIZE(dict) == 0) return true;
  to += kMark;
  Py_ssize_t at = 0;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  while (PyDict_Next(dict, &at, &key, &value)) {
    if (!append(to, key, 1) || !append(to, value, 1)) return false;
  }
  to += kSetItems;
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
  if (PyBytes_CheckExact(value)) return append_bytes(to, value);
  if (PyTuple_CheckExact(value)) return append_tuple(to, value, depth);
  return false;
}

#ifdef Py_GIL_DISABLED
// Other threads may be at it.
constexpr bool kTakesContainers = false;
#else
constexpr bool kTakesContainers = true;
#endif

bool append_whole(std::string& to, PyObject* value) {
  if (kTakesContainers && PyList_CheckExact(value)) return append_list(to, value);
  if (kTakesContainers && PyDict_CheckExact(value)) return append_dict(to, value);
  return append(to, value, 0);
}

}  // namespace

std::optional<std::string> plain_pickle(PyObject* value) {
  std::string pickle{kProto, '\x05'};
  if (!append_whole(pickle, value)) return std::nullopt;
  pickle += kStop;
  return pickle;
}

}  // namespace cppwax::bindings
