// The modules whose classes have native forms, by name: a class is looked for in its own.
#pragma once

namespace cppwax::bindings::modules {

inline constexpr const char* kBatchMappers = "cppwax.operators._batch_mappers";
inline constexpr const char* kEnrich = "cppwax.operators._enrich";
inline constexpr const char* kFinal = "cppwax.operators._final";
inline constexpr const char* kJoin = "cppwax.operators._join";
inline constexpr const char* kCollect = "cppwax.operators._collect";
inline constexpr const char* kStateful = "cppwax.operators._stateful";
inline constexpr const char* kChecks = "cppwax.operators._checks";
inline constexpr const char* kWindowDriver = "cppwax.operators.windowing._driver";
inline constexpr const char* kClocks = "cppwax.operators.windowing._clocks";
inline constexpr const char* kWindowers = "cppwax.operators.windowing._windowers";
inline constexpr const char* kSessions = "cppwax.operators.windowing._sessions";
inline constexpr const char* kTimes = "cppwax.operators.windowing._times";
inline constexpr const char* kTwoSides = "cppwax.operators.windowing._two_sides";
inline constexpr const char* kFoldWindow = "cppwax.operators.windowing._fold";
inline constexpr const char* kCollectWindow = "cppwax.operators.windowing._collect_window";
inline constexpr const char* kJoinWindow = "cppwax.operators.windowing._join_window";
inline constexpr const char* kIntervalJoin = "cppwax.operators.windowing._interval_join";
inline constexpr const char* kAsOfJoin = "cppwax.operators.windowing._as_of_join";
inline constexpr const char* kTesting = "cppwax.testing";
inline constexpr const char* kStdio = "cppwax.connectors.stdio";

}  // namespace cppwax::bindings::modules
