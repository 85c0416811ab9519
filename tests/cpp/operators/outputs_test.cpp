#include "engine/operators/outputs.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "support/step_bench.hpp"

namespace cppwax::operators {
namespace {

using test::Drain;
using test::ints;
using test::outputs_to;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Outputs, EachConsumerOfAPortGetsAllItems) {
  Drain first;
  Drain second;
  Outputs outputs({{first.sender(), second.sender()}}, {});
  outputs.send(0, Epoch(1), ints({1, 2}));
  EXPECT_THAT(first.take(), ElementsAre("1:[1 2]"));
  EXPECT_THAT(second.take(), ElementsAre("1:[1 2]"));
}

TEST(Outputs, APortHasItsOwnConsumers) {
  Drain trues;
  Drain falses;
  Outputs outputs = outputs_to({&trues, &falses});
  outputs.send(1, Epoch(1), ints({2}));
  EXPECT_THAT(trues.take(), IsEmpty());
  EXPECT_THAT(falses.take(), ElementsAre("1:[2]"));
}

TEST(Outputs, ItemsNobodyConsumesAreDropped) {
  Outputs outputs({{}}, {});
  outputs.send(0, Epoch(1), ints({1}));
  EXPECT_TRUE(outputs.open(Epoch(1)));
  EXPECT_EQ(outputs.room(Epoch(1)), std::numeric_limits<std::int64_t>::max());
}

TEST(Outputs, NoItemsAreNoMessage) {
  Drain down;
  Outputs outputs = outputs_to({&down});
  outputs.send(0, Epoch(1), nullptr);
  outputs.send(0, Epoch(1), ints({}));
  EXPECT_THAT(down.take(), IsEmpty());
}

TEST(Outputs, SignalsHearFrontiersAndEndsOnly) {
  Drain down;
  Drain signal({1, 1});
  Outputs outputs = outputs_to({&down}, {&signal});
  outputs.send(0, Epoch(1), ints({1, 2, 3}));
  outputs.advance(Epoch(2));
  outputs.end({data::EndKind::kStopped, Epoch(2)});
  EXPECT_THAT(down.take(), ElementsAre("1:[1 2 3]", "F2", "Stopped2"));
  EXPECT_THAT(signal.take(), ElementsAre("F2", "Stopped2"));
}

TEST(Outputs, AreOpenWhileAllChannelsAre) {
  Drain wide({10, 1000});
  Drain narrow({2, 1000});
  Outputs outputs = outputs_to({&wide, &narrow});
  EXPECT_EQ(outputs.room(Epoch(1)), 2);
  outputs.send(1, Epoch(1), ints({1, 2}));
  EXPECT_FALSE(outputs.open(Epoch(1)));
  EXPECT_EQ(outputs.room(Epoch(1)), 0);
  narrow.take();
  narrow.repay();
  EXPECT_TRUE(outputs.open(Epoch(1)));
}

TEST(SliceEmitter, HasRoomForASliceAndForTheCreditBelow) {
  Drain down({3, 1000});
  Outputs outputs = outputs_to({&down});
  SliceEmitter out(outputs, Epoch(1), SliceEmitter::Wait::kForCredit);
  EXPECT_EQ(out.room(), 3u);
  out.emit(ints({1, 2}));
  EXPECT_EQ(out.room(), 1u);
  out.emit(ints({3, 4}));
  EXPECT_EQ(out.room(), 0u);
}

TEST(SliceEmitter, ASliceIsUsedUpByItems) {
  Drain down({10 * kSliceItems, 100 * kSliceBytes});
  Outputs outputs = outputs_to({&down});
  SliceEmitter out(outputs, Epoch(1), SliceEmitter::Wait::kForCredit);
  out.emit(ints(test::counting(kSliceItems - 1)));
  EXPECT_EQ(out.room(), 1u);
  out.emit(ints({1}));
  EXPECT_EQ(out.room(), 0u);
  SliceEmitter next(outputs, Epoch(1), SliceEmitter::Wait::kForCredit);
  EXPECT_EQ(next.room(), static_cast<std::size_t>(kSliceItems));
}

// A payload whose items are large.
class LargeItems final : public data::Payload {
 public:
  explicit LargeItems(std::size_t count) : count_(count) {}
  std::size_t size() const override { return count_; }
  std::size_t bytes_estimate() const override { return count_ << 20; }
  data::PayloadPtr share() const override { return std::make_unique<LargeItems>(count_); }
  data::PayloadPtr take_front(std::size_t count) override {
    count_ -= count;
    return std::make_unique<LargeItems>(count);
  }
  void append(data::PayloadPtr other) override { count_ += other->size(); }
  std::size_t part_count() const override { return count_ > 0 ? 1 : 0; }
  data::PayloadPtr take_part() override { return take_front(count_); }

 private:
  std::size_t count_;
};

TEST(SliceEmitter, ASliceIsUsedUpByBytes) {
  Drain down({1000, 100 * kSliceBytes});
  Outputs outputs = outputs_to({&down});
  SliceEmitter out(outputs, Epoch(1), SliceEmitter::Wait::kForCredit);
  for (int i = 0; i < 16; ++i) {
    EXPECT_GT(out.room(), 0u) << i;
    out.emit(std::make_unique<LargeItems>(1));
  }
  EXPECT_EQ(out.room(), 0u);
}

TEST(SliceEmitter, CanWaitForNothing) {
  Drain down({1, 1000});
  Outputs outputs = outputs_to({&down});
  SliceEmitter out(outputs, Epoch(1), SliceEmitter::Wait::kForNothing);
  out.emit(ints({1, 2, 3}));
  EXPECT_GT(out.room(), 0u);
}

}  // namespace
}  // namespace cppwax::operators
