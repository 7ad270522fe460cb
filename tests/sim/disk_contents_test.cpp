#include <restante/sim/disk_contents.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace restante::sim {
namespace {

constexpr Address ada = Address::at(256);
constexpr Address bob = Address::at(257);
constexpr Address tea = Address::at(258);

// What a core would be given, as text.
class Told final : public MessageLoader {
 public:
  void message(const MessageStored& it) override { add("message", it.receiver, it.offset); }
  void next_offset(Address address, Offset offset) override {
    if (!address.is_classic()) {
      add("next", address, offset);
    }
  }
  void address(const AddressAdded& it, bool was_opened) override {
    all.push_back(std::string{as_text(it.name)} + (was_opened ? " opened" : ""));
  }
  void sequence(Address sender, std::uint64_t sequence, MessageState state) override {
    add("number", sender, sequence);
    all.back() += " " + std::to_string(static_cast<int>(state));
  }
  void member(const MemberJoined& it, Offset delivered_end) override {
    add("member", it.room, it.cursor);
    all.back() += " " + std::to_string(delivered_end);
  }
  void delivered(const MessagesDelivered& it) override { add("delivered", it.receiver, it.up_to); }

  std::vector<std::string> all;

 private:
  void add(std::string_view what, Address address, std::uint64_t number) {
    all.push_back(std::string{what} + " " + std::to_string(address.index()) + " " + std::to_string(number));
  }
};

class DiskContentsTest : public ::testing::Test {
 protected:
  DiskContentsTest() {
    write(AddressAdded{ada, as_bytes("ada"), 1});
    write(AddressAdded{bob, as_bytes("bob"), 2});
    write(AddressAdded{tea, as_bytes("#tea"), 3});
  }

  template <class Change>
  void write(const Change& change) {
    disk_.apply(DiskContents::owned(change));
  }

  void store(Address receiver, Offset offset, std::uint64_t sequence) {
    write(MessageStored{receiver, offset, ada, as_bytes("hello"), sequence, 5, 0});
  }

  std::vector<std::string> told() const {
    Told told;
    disk_.give(told);
    return told.all;
  }

  DiskContents disk_;
};

TEST_F(DiskContentsTest, GivesBackWhatWasWrittenInTheOrderThatALoaderWants) {
  write(AddressOpened{bob});
  write(MemberJoined{tea, bob, 0});
  store(bob, 0, 1);
  store(bob, 1, 2);
  store(bob, 2, 3);
  store(tea, 0, 4);
  write(MessagesDelivered{bob, 1});
  write(MessagesAcknowledged{bob, 0});
  write(MessageRemoved{bob, 2, MessageState::expired});
  write(MemberDelivered{tea, bob, 0});
  EXPECT_EQ(told(),
            (std::vector<std::string>{"ada", "bob opened", "#tea", "number 256 1 3", "number 256 2 2", "number 256 3 5",
                                      "number 256 4 2", "member 258 0 1", "delivered 257 1", "next 256 0",
                                      "message 257 1", "next 257 3", "message 258 0", "next 258 1"}))
      << "messages of one mailbox come before the offset that is next there";
  write(MemberAcknowledged{tea, bob, 0});
  EXPECT_EQ(told()[7], "member 258 1 1");
  write(MemberLeft{tea, bob});
  EXPECT_NE(told()[7], "member 258 1 1");
  EXPECT_TRUE(disk_.consistent());
}

TEST_F(DiskContentsTest, KeepsTheLatestNumbersOnly) {
  for (std::uint64_t sequence = 1; sequence <= 300; ++sequence) {
    store(bob, sequence - 1, sequence);
  }
  EXPECT_EQ(disk_.addresses().at(256).states.size(), 256U);
  EXPECT_EQ(disk_.addresses().at(256).states.begin()->first, 45U);
}

TEST_F(DiskContentsTest, ForgetsAnAddressWithAllThatItHad) {
  store(bob, 0, 1);
  write(AddressForgotten{bob});
  EXPECT_FALSE(disk_.addresses().contains(257));
  EXPECT_EQ(disk_.addresses().at(256).states.at(1), MessageState::purged);
  EXPECT_TRUE(disk_.consistent());
}

TEST_F(DiskContentsTest, NoticesWhatCannotBe) {
  const auto is_noticed = [this](const auto& change) {
    DiskContents disk = disk_;
    disk.apply(DiskContents::owned(change));
    return !disk.consistent();
  };
  EXPECT_TRUE(is_noticed(MessageStored{bob, 1, ada, as_bytes("hello")}));
  EXPECT_TRUE(is_noticed(MessageStored{Address::at(999), 0, ada, as_bytes("hello")}));
  EXPECT_TRUE(is_noticed(MessageTaken{bob, 0}));
  EXPECT_TRUE(is_noticed(MessageRemoved{bob, 0, MessageState::expired}));
  EXPECT_TRUE(is_noticed(AddressAdded{ada, as_bytes("ada"), 9}));
  EXPECT_TRUE(is_noticed(AddressForgotten{Address::at(999)}));
  EXPECT_TRUE(is_noticed(MemberLeft{tea, bob}));
  EXPECT_TRUE(is_noticed(MemberDelivered{tea, bob, 0}));
  EXPECT_TRUE(is_noticed(MemberAcknowledged{tea, bob, 0}));
  EXPECT_TRUE(disk_.consistent());
}

}  // namespace
}  // namespace restante::sim
