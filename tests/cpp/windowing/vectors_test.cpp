// Repeats what the Python form of the windows did with random values; the file says how to read it
// (scripts/write_windowing_vectors.py).
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "engine/windowing/keyed_windows.hpp"
#include "engine/windowing/session_windows.hpp"
#include "engine/windowing/sliding_windows.hpp"
#include "engine/windowing/watermark.hpp"

namespace cppwax::windowing {
namespace {

using Values = std::vector<int>;

struct Settings {
  std::string windower;
  Micros length = 0;
  Micros offset = 0;
  Micros align = 0;
  Pace pace{};
  bool ordered = false;
};

template <class Windows>
typename Windows::Shape shape_of(const Settings& settings);

template <>
WindowGrid shape_of<SlidingWindows<Values>>(const Settings& settings) {
  return WindowGrid(settings.length, settings.offset, settings.align);
}

template <>
SessionGap shape_of<SessionWindows<Values>>(const Settings& settings) {
  return SessionGap{settings.length};
}

// What happened since the last question, by the first letter of its line.
struct Told {
  std::map<std::string, std::vector<std::string>> lines;

  Values make() { return {}; }
  void late(WindowId id, int value) { add("L", id, Values{value}); }
  void value(WindowId, Values& values, int value) { values.push_back(value); }
  void merge(WindowId, Values from, WindowId, Values& into) {
    into.insert(into.end(), from.begin(), from.end());
  }
  void close(WindowId id, Values values, const WindowBounds& bounds,
             const std::vector<WindowId>& merged) {
    add("E", id, values);
    std::vector<std::int64_t> words{bounds.open, bounds.close};
    words.insert(words.end(), merged.begin(), merged.end());
    add("M", id, words);
  }

  template <class Word>
  void add(const std::string& letter, WindowId id, const std::vector<Word>& words) {
    std::ostringstream line;
    line << letter << ' ' << id;
    for (const Word word : words) line << ' ' << word;
    lines[letter].push_back(line.str());
  }
};

// One key of either kind of windows.
class Key {
 public:
  virtual ~Key() = default;
  virtual void batch(Micros now, const std::vector<Micros>& times) = 0;
  virtual void notify(Micros now) = 0;
  virtual void restart(Micros now) = 0;
  virtual void eof() = 0;
  virtual std::string state() = 0;

  Told told;
};

void copy_state(SlidingWindows<Values>& from, SlidingWindows<Values>& to) {
  for (const auto& [id, values] : from.opened()) to.reopen(id, *values);
}

void copy_state(SessionWindows<Values>& from, SessionWindows<Values>& to) {
  to.resume_ids_from(from.next_id());
  for (const auto* session : from.opened()) to.reopen(*session);
}

template <class Windows>
class KeyOf : public Key {
 public:
  explicit KeyOf(const Settings& settings)
      : settings_(settings), shape_(shape_of<Windows>(settings)) {}

  void batch(Micros now, const std::vector<Micros>& times) override {
    if (!clock_) clock_.emplace(now);
    clock_->look(now);
    for (const Micros when : times) {
      const Micros watermark = clock_->advance(settings_.pace, when);
      windows_.arrive(shape_, settings_.ordered, Arrival<int>{when, watermark, count_++}, told);
    }
    windows_.settle(shape_, clock_->get(settings_.pace), told);
  }

  void notify(Micros now) override {
    clock_->look(now);
    windows_.settle(shape_, clock_->get(settings_.pace), told);
  }

  void restart(Micros now) override {
    clock_.emplace(now, clock_->state());
    KeyedWindows<Windows, int> resumed;
    copy_state(windows_.windows(), resumed.windows());
    for (const auto* waiting : windows_.waiting().in_order_of_arrival()) {
      resumed.waiting().add(waiting->when, waiting->value);
    }
    windows_ = std::move(resumed);
  }

  void eof() override { windows_.settle(shape_, kUtcMax, told); }

  std::string state() override {
    if (windows_.may_be_forgotten()) {
      clock_.reset();
      return "forgotten";
    }
    const auto next = windows_.next(shape_);
    const auto due = next ? clock_->due(settings_.pace, *next) : std::nullopt;
    return "next " + (due ? std::to_string(*due) : "never");
  }

 private:
  Settings settings_;
  typename Windows::Shape shape_;
  std::optional<EventWatermark> clock_;
  KeyedWindows<Windows, int> windows_;
  int count_ = 0;
};

std::unique_ptr<Key> key_of(std::istringstream& words) {
  Settings settings;
  words >> settings.windower >> settings.length >> settings.offset >> settings.align >>
      settings.pace.wait >> settings.ordered;
  if (settings.windower == "session") {
    return std::make_unique<KeyOf<SessionWindows<Values>>>(settings);
  }
  return std::make_unique<KeyOf<SlidingWindows<Values>>>(settings);
}

// Makes a thing happen to the key.
void perform(Key& key, const std::string& word, std::istringstream& words) {
  Micros now = 0;
  if (word == "eof") return key.eof();
  ASSERT_TRUE(words >> now);
  if (word == "notify") return key.notify(now);
  if (word == "restart") return key.restart(now);
  ASSERT_EQ(word, "batch");
  std::vector<Micros> times;
  for (Micros when = 0; words >> when;) times.push_back(when);
  key.batch(now, times);
}

TEST(Vectors, WindowsDoWhatThePythonFormDoes) {
  std::ifstream file(CPPWAX_TEST_FIXTURES "/windowing_vectors.txt");
  ASSERT_TRUE(file);
  std::unique_ptr<Key> key;
  std::map<std::string, std::vector<std::string>> expected;
  int cases = 0;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    SCOPED_TRACE("line " + std::to_string(++number) + ": " + line);
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "L" || word == "E" || word == "M") {
      expected[word].push_back(line);
      continue;
    }
    if (word == "next" || word == "forgotten") {
      ASSERT_EQ(key->state(), line);
      continue;
    }
    ASSERT_TRUE(!key || key->told.lines == expected) << "before this line";
    expected.clear();
    if (word == "case") {
      key = key_of(words);
      ++cases;
      continue;
    }
    key->told.lines.clear();
    ASSERT_NO_FATAL_FAILURE(perform(*key, word, words));
  }
  EXPECT_EQ(key->told.lines, expected);
  EXPECT_GT(cases, 100);
}

}  // namespace
}  // namespace cppwax::windowing
