#include "engine/recovery/merged_segments.hpp"

#include <algorithm>
#include <utility>

#include "engine/recovery/key_prefix.hpp"

namespace cppwax::recovery {

namespace {

constexpr const char* kReadStates = "read states";
constexpr const char* kWriteStates = "write states";

std::string name_of(BlockPlace place) {
  return "block " + std::to_string(place.number) + " of segment " + std::to_string(place.segment);
}

}  // namespace

BlockFile::BlockFile(Database& database)
    : database_(database),
      insert_(database, "INSERT INTO block VALUES(?1, ?2, ?3)", kWriteStates),
      remove_(database, "DELETE FROM block WHERE place >= ?1 AND place < ?2", kWriteStates),
      read_(database, "SELECT checksum, body FROM block WHERE place = ?1", kReadStates) {}

void BlockFile::insert(BlockPlace place, std::string_view body) {
  ENGINE_ASSERT(place.number < BlockPlace::kMostBlocks, place.segment, place.number);
  insert_.bind(1, place.value()).bind(2, block_checksum(place, body)).bind(3, body).step();
}

void BlockFile::remove(std::int64_t segment, std::int64_t first, std::int64_t last) {
  remove_.bind(1, BlockPlace{segment, first}.value())
      .bind(2, BlockPlace{segment, last}.value())
      .step();
}

void BlockFile::remove_unknown() {
  static_assert(BlockPlace::kNumberBits == 20);
  database_.run("DELETE FROM block WHERE place >> 20 NOT IN (SELECT id FROM segment)",
                kWriteStates);
}

void BlockFile::read(BlockPlace place, BlockReader& block) {
  if (!read_.bind(1, place.value()).step()) database_.damaged(name_of(place) + " is missing");
  std::string body(read_.bytes(1));
  const bool whole = block_checksum(place, body) == read_.number(0);
  read_.reset();
  if (!whole || !block.open(std::move(body))) {
    database_.damaged(name_of(place) + " is not what was written");
  }
}

void BlockFile::check(const std::map<std::int64_t, Segment>& segments) {
  struct Seen {
    std::int64_t blocks = 0;
    std::int64_t entries = 0;
  };
  std::map<std::int64_t, Seen> seen;
  Statement all(database_, "SELECT place, checksum, body FROM block", kReadStates);
  while (all.step()) {
    const BlockPlace place = BlockPlace::of(all.number(0));
    if (!segments.contains(place.segment)) continue;
    const std::string_view body = all.bytes(2);
    Seen& of_segment = seen[place.segment];
    BlockReader block;
    if (block_checksum(place, body) != all.number(1) || !block.open(std::string(body)) ||
        place.number != of_segment.blocks) {
      database_.damaged(name_of(place) + " is not what was written");
    }
    ++of_segment.blocks;
    of_segment.entries += block.count();
  }
  for (const auto& [id, segment] : segments) {
    if (seen[id].blocks != segment.blocks || seen[id].entries != segment.entries) {
      database_.damaged("states of segment " + std::to_string(id) + " are missing");
    }
  }
}

MergedSegments::MergedSegments(BlockFile& file, const std::vector<Segment>& segments)
    : file_(file) {
  cursors_.resize(segments.size());
  for (std::size_t i = 0; i < segments.size(); ++i) {
    cursors_[i].segment = segments[i];
    if (advance(i)) heap_.push_back({key_prefix(cursors_[i].entry.key), i});
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [this](const Head& left, const Head& right) { return comes_before(right, left); });
}

// Of equal keys the newest comes first.
bool MergedSegments::comes_before(const Head& left, const Head& right) const {
  if (left.prefix != right.prefix) return left.prefix < right.prefix;
  const int order = cursors_[left.cursor].entry.key.compare(cursors_[right.cursor].entry.key);
  return order != 0 ? order < 0 : left.cursor > right.cursor;
}

bool MergedSegments::advance(std::size_t index) {
  Cursor& cursor = cursors_[index];
  while (!cursor.block.next(cursor.entry)) {
    const BlockPlace place{cursor.segment.id, cursor.next_block};
    if (cursor.block.broken()) {
      file_.database().damaged(name_of({place.segment, place.number - 1}) + " is broken");
    }
    if (cursor.next_block == cursor.segment.blocks) return false;
    file_.read(place, cursor.block);
    ++cursor.next_block;
  }
  return true;
}

// The number of heads: there is none.
std::size_t MergedSegments::least_child(std::size_t at) const {
  const std::size_t left = 2 * at + 1;
  if (left + 1 >= heap_.size()) return std::min(left, heap_.size());
  return comes_before(heap_[left + 1], heap_[left]) ? left + 1 : left;
}

bool MergedSegments::is_told(std::size_t at) const {
  return heap_[at].prefix == heap_[0].prefix &&
         cursors_[heap_[at].cursor].entry.key == told().entry.key;
}

// Takes the next entry of the cursor whose head lies there, or takes the cursor out.
// REQUIRES: the last head may lie there, as far as what is above is concerned.
void MergedSegments::move_on(std::size_t at) {
  const std::size_t cursor = heap_[at].cursor;
  Head moved = heap_.back();
  if (advance(cursor)) {
    moved = {key_prefix(cursors_[cursor].entry.key), cursor};
  } else {
    heap_.pop_back();
    if (at == heap_.size()) return;
  }
  for (;;) {
    const std::size_t child = least_child(at);
    if (child == heap_.size() || !comes_before(heap_[child], moved)) break;
    heap_[at] = heap_[child];
    at = child;
  }
  heap_[at] = moved;
}

bool MergedSegments::next(EntryView& entry) {
  // Only now, for the bytes of what was told last live until this call. It is the newest of its key
  // and so on the top; the others go first.
  if (std::exchange(started_, true) && !heap_.empty()) {
    for (;;) {
      const std::size_t second = least_child(0);
      if (second == heap_.size() || !is_told(second)) break;
      move_on(second);
    }
    move_on(0);
  }
  if (heap_.empty()) return false;
  entry = told().entry;
  return true;
}

}  // namespace cppwax::recovery
