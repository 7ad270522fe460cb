#include <restante/mailbox_operator.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/slow_store.hpp"
#include "support/v2_office.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

std::vector<std::string> names_of(const std::vector<MailboxSummary>& mailboxes) {
  std::vector<std::string> names;
  for (const MailboxSummary& mailbox : mailboxes) {
    names.push_back(mailbox.name);
  }
  return names;
}

class MailboxOperatorTest : public ::testing::Test {
 protected:
  using Names = std::vector<std::string>;

  void wake() { office_.transport.deliver_wake(); }

  Office<> office_;
  Peer ada_ = (office_.start(), office_.open("ada"));
  MessengerOperator<Messenger<RecordingTransport>> operator_{office_.messenger()};
};

TEST_F(MailboxOperatorTest, ListsWhatIsUsed) {
  Peer seven = office_.open("7");
  office_.push(seven, "8", "for eight");
  office_.transport.ask(office_.transport.connect(), associate(9));
  office_.push(ada_, "bob", "hello");
  office_.join(ada_, "#lobby");
  const MailboxPage page = operator_.list(0, 100);
  EXPECT_EQ(names_of(page.mailboxes), (Names{"7", "8", "9", "ada", "bob", "#lobby"}));
  EXPECT_EQ(page.next, std::nullopt);
  EXPECT_TRUE(page.mailboxes[0].is_held);
  EXPECT_FALSE(page.mailboxes[1].is_held);
  EXPECT_EQ(page.mailboxes[1].numbers.bytes, 9U);
  EXPECT_EQ(page.mailboxes[1].epoch, 0U);
  EXPECT_TRUE(page.mailboxes[2].is_held);
  EXPECT_EQ(page.mailboxes[3].epoch, ada_.opened.epoch);
  EXPECT_EQ(page.mailboxes[4].numbers.depth, 1U);
  EXPECT_EQ(page.mailboxes[5].kind, NameKind::room);
  EXPECT_EQ(page.mailboxes[5].members, 1U);
}

TEST_F(MailboxOperatorTest, ListsInPagesThatStayShort) {
  Names all{"ada"};
  for (int i = 0; i < 20; ++i) {
    const std::string name = "name" + std::to_string(i);
    all.push_back(name);
    office_.push(ada_, name, "hi");
  }
  Names listed;
  std::optional<std::uint32_t> from = 0;
  while (from) {
    const MailboxPage page = operator_.list(*from, 6);
    EXPECT_LE(page.mailboxes.size(), 6U);
    for (const std::string& name : names_of(page.mailboxes)) {
      listed.push_back(name);
    }
    from = page.next;
  }
  EXPECT_EQ(listed, all);
  EXPECT_EQ(operator_.list(100'000, 6).mailboxes.size(), 0U);
}

TEST_F(MailboxOperatorTest, LooksAtSoManyAddressesAtOnceAndNotMore) {
  Office<> office;
  office.start({.limits = {.addresses_max = 5'000, .rooms_max = 5'000, .memberships_max = 5'000}});
  Peer ada = office.open("ada");
  for (int i = 0; i < 4'900; ++i) {
    ASSERT_EQ(office.join(ada, "#" + std::to_string(i) + "x"), Heard{"joined 0 0 0"});
  }
  MessengerOperator office_operator{office.messenger()};
  const MailboxPage page = office_operator.list(0, 10'000);
  EXPECT_EQ(page.next, MailboxOperator::listed_at_once_max);
  EXPECT_EQ(page.mailboxes.size(), MailboxOperator::listed_at_once_max - Address::classic_count);
  EXPECT_EQ(page.mailboxes.size() + office_operator.list(*page.next, 10'000).mailboxes.size(), 4'901U);
}

TEST_F(MailboxOperatorTest, ShowsMessagesWithoutWhatTheySay) {
  office_.push(ada_, "bob", "hello");
  office_.advance(2s);
  office_.push(ada_, "bob", "hi");
  office_.push(ada_, "bob", "");
  const std::vector<MessageSummary> messages = operator_.oldest_messages("bob", 2);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].sender, "ada");
  EXPECT_EQ(messages[0].payload_bytes, 5U);
  EXPECT_EQ(messages[0].age_ms, 2'000U);
  EXPECT_EQ(messages[1].offset, 1U);
  EXPECT_EQ(messages[1].age_ms, 0U);
  EXPECT_EQ(operator_.find("bob")->numbers.oldest_age_ms, 2'000U);
  EXPECT_EQ(operator_.find("bob")->numbers.stored, 3U);
  EXPECT_TRUE(operator_.oldest_messages("nobody", 2).empty());
}

TEST_F(MailboxOperatorTest, ShowsWhoIsWhere) {
  Peer bob = office_.open("bob");
  Peer cy = office_.open("cy");
  for (Peer* const peer : {&ada_, &bob, &cy}) {
    office_.join(*peer, "#lobby");
  }
  office_.join(ada_, "#bar");
  office_.transport.disconnect(bob.connection);
  EXPECT_EQ(operator_.rooms_of("ada"), (Names{"#lobby", "#bar"}));
  EXPECT_TRUE(operator_.rooms_of("nobody").empty());
  const std::vector<MemberSummary> first = operator_.members_of("#lobby", "", 2);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].name, "ada");
  EXPECT_TRUE(first[0].is_held);
  EXPECT_EQ(first[1].name, "bob");
  EXPECT_FALSE(first[1].is_held);
  const std::vector<MemberSummary> rest = operator_.members_of("#lobby", "bob", 2);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].name, "cy");
  EXPECT_TRUE(operator_.members_of("ada", "", 2).empty());
  EXPECT_TRUE(operator_.members_of("#none", "", 2).empty());
}

TEST_F(MailboxOperatorTest, SeesNothingThatHasExpired) {
  office_.push(ada_, "bob", "hello", 1, 500);
  office_.wall_ms += 500;
  EXPECT_EQ(operator_.find("bob")->numbers.depth, 0U);
  EXPECT_EQ(operator_.find("bob")->numbers.expired, 1U);
}

TEST_F(MailboxOperatorTest, KnowsEveryClassicIdAndNoOtherNameThatNobodyUsed) {
  EXPECT_EQ(operator_.find("255")->kind, NameKind::classic);
  EXPECT_FALSE(operator_.find("256"));
  EXPECT_FALSE(operator_.find("nobody"));
  EXPECT_FALSE(operator_.find(""));
  EXPECT_EQ(operator_.purge("nobody").refused, Refusal::no_such_address);
  EXPECT_EQ(operator_.retire("#nobody").refused, Refusal::no_such_room);
  EXPECT_EQ(operator_.purge("255").refused, std::nullopt);
}

TEST_F(MailboxOperatorTest, PurgesAndTellsWhoWaitsForThat) {
  office_.push(ada_, "ada", "one", 1);
  office_.push(ada_, "ada", "two", 2);
  EXPECT_EQ(office_.receipt(ada_, 2, 1, 60'000), Heard{});
  const Removal removal = operator_.purge("ada");
  EXPECT_EQ(removal.refused, std::nullopt);
  EXPECT_EQ(removal.messages, 2U);
  EXPECT_FALSE(removal.closed_holder);
  EXPECT_TRUE(office_.transport.wake_asked()) << "nothing else would bring a turn";
  wake();
  EXPECT_EQ(office_.hear(ada_), Heard{"to 4: state 6"});
  EXPECT_EQ(office_.transport.close_code_of(ada_.connection), 0);
  EXPECT_EQ(office_.messenger().counters().books, (Books{.stored = 2, .purged = 2}));
}

TEST_F(MailboxOperatorTest, RetiresAnAddressAndClosesItsHolder) {
  Peer bob = office_.open("bob");
  office_.push(bob, "ada", "hello", 1);
  office_.fetch(ada_, {.wait_ms = 60'000});
  office_.hear(ada_);
  EXPECT_EQ(office_.fetch(ada_, {.wait_ms = 60'000}), Heard{});
  const Removal removal = operator_.retire("ada");
  EXPECT_EQ(removal.messages, 1U);
  EXPECT_TRUE(removal.closed_holder);
  wake();
  EXPECT_EQ(office_.transport.close_code_of(ada_.connection), close_code::retired);
  EXPECT_EQ(office_.hear(ada_), Heard{});
  EXPECT_EQ(office_.messenger().counters().waits, 0U);
  EXPECT_EQ(office_.receipt(bob, 1), Heard{"state 6"});
  EXPECT_FALSE(operator_.find("ada"));
  Peer next = office_.open("ada");
  EXPECT_NE(next.opened.epoch, ada_.opened.epoch);
  office_.transport.disconnect(ada_.connection);
  EXPECT_TRUE(operator_.find("ada")->is_held) << "the old one has nothing to release";
}

TEST_F(MailboxOperatorTest, RetiresAClassicIdAndClosesItsHolder) {
  const Connection classic = office_.transport.connect();
  office_.transport.ask(classic, associate(7));
  office_.transport.ask(classic, push(7, 7, "hi"));
  const Removal removal = operator_.retire("7");
  EXPECT_EQ(removal.messages, 1U);
  EXPECT_TRUE(removal.closed_holder);
  EXPECT_EQ(office_.transport.close_code_of(classic), close_code::retired);
  EXPECT_FALSE(operator_.find("7")->is_held);
  EXPECT_FALSE(operator_.retire("7").closed_holder);
}

TEST_F(MailboxOperatorTest, RetiresARoomAndTellsWhoWaitsThere) {
  const Epoch epoch = office_.room_epoch(ada_, "#lobby");
  EXPECT_EQ(office_.fetch(ada_, {.source = "#lobby", .wait_ms = 60'000}, epoch), Heard{});
  EXPECT_FALSE(operator_.retire("#lobby").closed_holder);
  EXPECT_EQ(office_.hear(ada_), Heard{"to 3: refused not_a_member"});
  EXPECT_EQ(office_.transport.close_code_of(ada_.connection), 0);
  EXPECT_NE(office_.room_epoch(ada_, "#lobby"), epoch);
}

TEST_F(MailboxOperatorTest, ClosesAHolderThatIsBeingClosedNoSecondTime) {
  office_.messenger().shut_down();
  EXPECT_EQ(office_.transport.close_code_of(ada_.connection), close_code::going_away);
  EXPECT_TRUE(operator_.retire("ada").closed_holder);
  EXPECT_EQ(office_.transport.closed_in_order().size(), 1U);
}

TEST(MailboxOperatorOfAStore, CommitsWhatItChanges) {
  Office<SlowStore> office;
  office.start();
  MessengerOperator office_operator{office.messenger()};
  const Connection classic = office.transport.connect();
  office.transport.ask(classic, associate(7));
  office.transport.ask(classic, push(7, 7, "hi"));
  office.store.complete();
  office.transport.deliver_wake();
  const std::uint64_t commits = office.messenger().counters().commits;
  EXPECT_EQ(office_operator.purge("7").messages, 1U);
  office.transport.deliver_wake();
  EXPECT_EQ(office.messenger().counters().commits, commits + 1);
}

TEST(MailboxOperatorOfAStore, ChangesNothingWhileTheStoreIsUnavailable) {
  Office<SlowStore> office;
  office.store.set_load_error(Error::storage_unavailable);
  office.start();
  MessengerOperator office_operator{office.messenger()};
  EXPECT_EQ(office_operator.purge("7").refused, Refusal::storage_unavailable);
  EXPECT_EQ(office_operator.retire("7").refused, Refusal::storage_unavailable);
}

}  // namespace
}  // namespace restante
