// A Messenger with its mailboxes in a file of SQLite: what it answered is there when the program ends in any way.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "support/awaited_sqlite_store.hpp"
#include "support/power_cut_vfs.hpp"
#include "support/temporary_folder.hpp"
#include "support/v2_office.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

class MessengerWithSqlite : public ::testing::Test {
 protected:
  // A program with a server, which ends with it.
  struct Program {
    explicit Program(const std::filesystem::path& path, const std::string& vfs = {}) : office{path, vfs} {
      office.start();
    }

    // What a peer hears of something it said, once that is durable.
    Heard heard(Peer& peer, Heard at_once) {
      office.transport.deliver_wake();
      Heard later = office.hear(peer, peer.tag);
      at_once.insert(at_once.end(), later.begin(), later.end());
      return at_once;
    }
    Peer open(const char* name) {
      Peer peer = office.connect();
      EXPECT_EQ(heard(peer, office.open(peer, name)), Heard{"opened"});
      return peer;
    }

    Office<AwaitedStore> office;
  };

  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }

  TemporaryFolder folder_;
};

TEST_F(MessengerWithSqlite, GoesOnAsIfNothingHadHappened) {
  Epoch epoch = 0;
  {
    Program program{path()};
    Peer ada = program.open("ada");
    epoch = ada.opened.epoch;
    EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "first", 1)), Heard{"accepted"});
    EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "second", 2)), Heard{"accepted"});
    EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "third", 3)), Heard{"accepted"});
    EXPECT_EQ(program.heard(ada, program.office.fetch(ada, {.messages = 2})),
              (Heard{"message 0 ada first", "message 1 ada second", "fetched 2 1"}));
    EXPECT_EQ(program.heard(ada, program.office.acknowledge(ada, 0)), Heard{"acked"});
    EXPECT_EQ(program.heard(ada, program.office.join(ada, "#lobby")), Heard{"joined 0 0 0"});
    EXPECT_EQ(program.heard(ada, program.office.push(ada, "#lobby", "hello", 4)), Heard{"accepted"});
  }
  Program program{path()};
  Peer ada = program.open("ada");
  EXPECT_EQ(ada.opened.epoch, epoch);
  EXPECT_EQ(ada.opened.depth, 2U);
  EXPECT_EQ(ada.opened.first_unacknowledged, 1U);
  EXPECT_EQ(ada.opened.highest_sequence, 4U);
  EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "third", 3)), Heard{"accepted again"});
  EXPECT_EQ(program.heard(ada, program.office.receipt(ada, 1)), Heard{"state 3"});
  EXPECT_EQ(program.heard(ada, program.office.receipt(ada, 2)), Heard{"state 2"});
  EXPECT_EQ(program.heard(ada, program.office.fetch(ada, {.source = "*"})),
            (Heard{"message 1 ada second", "message 2 ada third", "message #lobby 0 ada hello", "fetched 3 0"}));
}

TEST_F(MessengerWithSqlite, ServesClassicClientsFromTheSameMailboxes) {
  {
    Program program{path()};
    const Connection one = program.office.transport.connect();
    program.office.transport.ask(one, associate(1));
    program.office.transport.receive(one, push(1, 2, "hello"));
    program.office.transport.deliver_wake();
    EXPECT_EQ(program.office.transport.replies(one), std::vector<Bytes>{positive_ack(1)});
  }
  Program program{path()};
  Peer two = program.open("2");
  EXPECT_EQ(program.heard(two, program.office.fetch(two)), (Heard{"message 0 1 hello", "fetched 1 0"}));
}

TEST_F(MessengerWithSqlite, RefusesChangesWhileTheDiskFailsAndGoesOnAfterwards) {
  PowerCutVfs disk;
  Program program{path(), disk.name()};
  Peer ada = program.open("ada");
  EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "first", 1)), Heard{"accepted"});
  disk.fail_all(SQLITE_FULL);
  EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "second", 2)), Heard{});
  EXPECT_EQ(program.office.transport.close_code_of(ada.connection), close_code::try_again_later);
  EXPECT_FALSE(program.office.messenger().store_available());
  Peer bob = program.office.connect();
  EXPECT_EQ(program.office.open(bob, "bob"), Heard{"refused storage_unavailable"});
  program.office.advance(1s);
  EXPECT_FALSE(program.office.messenger().store_available());
  disk.fail_all(SQLITE_OK);
  program.office.advance(1s);
  EXPECT_TRUE(program.office.messenger().store_available());
  ada = program.open("ada");
  EXPECT_EQ(ada.opened.highest_sequence, 1U) << "what was not answered was not kept";
  EXPECT_EQ(program.heard(ada, program.office.push(ada, "ada", "second", 2)), Heard{"accepted"});
}

}  // namespace
}  // namespace restante
