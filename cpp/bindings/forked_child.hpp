// What becomes of a process that user code forks while a run is on: it has this thread alone, so
// the runs it was forked in can neither go on nor end there. It may do what it likes inside the
// callback (runs of its own too); when it leaves the callback it is ended. It frees nothing of
// ours.
#pragma once

namespace cppwax::bindings {

// The calling thread is in user code of one more run while this lives (of a nested one: inside the
// outer one's). Used by one thread.
class InsideRun {
 public:
  InsideRun();
  ~InsideRun();
  InsideRun(const InsideRun&) = delete;
  InsideRun& operator=(const InsideRun&) = delete;
};

// Makes forks known; to be called before the first run.
void watch_forks();

namespace detail {
// Written by a forked child alone, while it has one thread.
extern bool forked_inside_run;
void end_if_run_is_lost();
}  // namespace detail

// To be called where user code has returned or raised: does nothing but in such a child, where it
// does not return. An exception that is set in Python decides how the child ends, as at the top of
// a script: SystemExit by its code, others with a traceback and 1.
// REQUIRES: the interpreter is held.
inline void end_if_forked_child() {
  if (detail::forked_inside_run) [[unlikely]]
    detail::end_if_run_is_lost();
}

}  // namespace cppwax::bindings
