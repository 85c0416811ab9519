#include "bindings/py_types.hpp"

#include <datetime.h>

#include <chrono>

#include "bindings/py_call.hpp"

namespace cppwax::bindings {

PyTypes::PyTypes()
    : build(interned("build")),
      build_part(interned("build_part")),
      close(interned("close")),
      committed(interned("committed")),
      end_epoch(interned("end_epoch")),
      list_parts(interned("list_parts")),
      next_awake(interned("next_awake")),
      next_batch(interned("next_batch")),
      notify_at(interned("notify_at")),
      on_batch(interned("on_batch")),
      on_eof(interned("on_eof")),
      on_notify(interned("on_notify")),
      part_fn(interned("part_fn")),
      prepare(interned("prepare")),
      utcoffset(interned("utcoffset")),
      write_batch(interned("write_batch")) {
  const auto inputs = py::module_::import("cppwax.inputs");
  abort_execution = inputs.attr("AbortExecution");
  stateful_source_partition = inputs.attr("StatefulSourcePartition");
  stateless_source_partition = inputs.attr("StatelessSourcePartition");
  const auto outputs = py::module_::import("cppwax.outputs");
  stateful_sink_partition = outputs.attr("StatefulSinkPartition");
  stateless_sink_partition = outputs.attr("StatelessSinkPartition");
  transactional_sink_partition = outputs.attr("TransactionalSinkPartition");
  stateful_batch_logic = py::module_::import("cppwax.operators").attr("StatefulBatchLogic");
  sequence = py::module_::import("collections.abc").attr("Sequence");
  const void* capsule = PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0);
  if (capsule == nullptr) throw py::error_already_set();
  const auto* api = static_cast<const PyDateTime_CAPI*>(capsule);
  datetime_api = capsule;
  datetime = api->DateTimeType;
  timedelta = api->DeltaType;
  utc = api->TimeZone_UTC;
}

bool PyTypes::is_sequence(PyObject* value) const {
  if (PyList_Check(value) || PyTuple_Check(value)) return true;
  if (PyUnicode_Check(value)) return false;
  const int is = PyObject_IsInstance(value, sequence.ptr());
  if (is < 0) throw_user_error("asking whether a value is a sequence");
  return is == 1;
}

WallTime time_of_fields(PyObject* value) {
  using namespace std::chrono;
  const sys_days day = year(PyDateTime_GET_YEAR(value)) /
                       static_cast<int>(PyDateTime_GET_MONTH(value)) /
                       static_cast<int>(PyDateTime_GET_DAY(value));
  return WallTime(day) + hours(PyDateTime_DATE_GET_HOUR(value)) +
         minutes(PyDateTime_DATE_GET_MINUTE(value)) + seconds(PyDateTime_DATE_GET_SECOND(value)) +
         microseconds(PyDateTime_DATE_GET_MICROSECOND(value));
}

Duration duration_of_fields(PyObject* delta) {
  using namespace std::chrono;
  return days(PyDateTime_DELTA_GET_DAYS(delta)) + seconds(PyDateTime_DELTA_GET_SECONDS(delta)) +
         microseconds(PyDateTime_DELTA_GET_MICROSECONDS(delta));
}

std::optional<WallTime> wall_time_of(const PyTypes& types, PyObject* value, std::string& why) {
  if (!PyObject_TypeCheck(value, types.datetime)) {
    why = "got a `" + type_name(value) + "`";
    return std::nullopt;
  }
  if (!reinterpret_cast<PyDateTime_DateTime*>(value)->hastzinfo) {
    why = "got one without a timezone; add one, for example tzinfo=datetime.timezone.utc";
    return std::nullopt;
  }
  if (reinterpret_cast<PyDateTime_DateTime*>(value)->tzinfo == types.utc) {
    return time_of_fields(value);
  }
  const py::object offset =
      call_method([] { return std::string("asking a datetime for its offset from UTC"); }, value,
                  types.utcoffset);
  if (offset.is_none()) {
    why = "got one whose timezone gives no offset from UTC";
    return std::nullopt;
  }
  // A class derived from datetime may give anything.
  if (!PyObject_TypeCheck(offset.ptr(), types.timedelta)) {
    why = "got one whose offset from UTC is a `" + type_name(offset.ptr()) + "`, no `timedelta`";
    return std::nullopt;
  }
  return time_of_fields(value) - duration_of_fields(offset.ptr());
}

py::object datetime_of(const PyTypes& types, WallTime time) {
  using namespace std::chrono;
  const auto* api = static_cast<const PyDateTime_CAPI*>(types.datetime_api);
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  PyObject* value = api->DateTime_FromDateAndTime(
      static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
      static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()), types.utc, types.datetime);
  return made([] { return "making a datetime"; }, value);
}

std::optional<WallTime> later_by(WallTime time, PyObject* delta) {
  using namespace std::chrono;
  constexpr sys_days kFirst = year(1) / 1 / 1;
  constexpr sys_days kBehindLast = year(10000) / 1 / 1;
  // So far apart that the sum may not fit, or certainly outside.
  constexpr days kMost = kBehindLast - kFirst;
  const days whole(PyDateTime_DELTA_GET_DAYS(delta));
  if (whole > kMost || whole < -kMost) return std::nullopt;
  const WallTime later = time + duration_of_fields(delta);
  if (later < WallTime(kFirst) || later >= WallTime(kBehindLast)) return std::nullopt;
  return later;
}

void append_utf8(std::string& to, PyObject* str) {
  constexpr Py_UCS4 kEnds[] = {0x80, 0x800, 0x10000};  // of what takes one byte, two, three
  constexpr Py_UCS4 kMarks[] = {0x00, 0xc0, 0xe0, 0xf0};
  constexpr int kBits = 6;  // in a byte that follows
  const Py_ssize_t length = PyUnicode_GET_LENGTH(str);
  const void* const characters = PyUnicode_DATA(str);
  if (PyUnicode_IS_ASCII(str)) {
    to.append(static_cast<const char*>(characters), static_cast<std::size_t>(length));
    return;
  }
  const auto kind = PyUnicode_KIND(str);
  for (Py_ssize_t i = 0; i < length; ++i) {
    const Py_UCS4 character = PyUnicode_READ(kind, characters, i);
    int following = 0;
    for (const Py_UCS4 end : kEnds) following += character >= end;
    to += static_cast<char>(kMarks[following] | character >> (kBits * following));
    while (following-- > 0) {
      to += static_cast<char>(0x80 | (character >> (kBits * following) & 0x3f));
    }
  }
}

std::string utf8_of(PyObject* str) {
  std::string utf8;
  append_utf8(utf8, str);
  return utf8;
}

py::object str_of(const std::string& utf8) {
  const auto size = static_cast<Py_ssize_t>(utf8.size());
  return made([] { return "decoding a str"; },
              PyUnicode_DecodeUTF8(utf8.data(), size, "surrogatepass"));
}

}  // namespace cppwax::bindings
