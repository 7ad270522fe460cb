// A Messenger with a store that commits late, fails, and forgets, in memory: see store_world.hpp.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "store_world.hpp"

namespace restante::property {
namespace {

RC_GTEST_PROP(MessengerWithASlowStore, LetsNoReplyLeaveBeforeItIsDurableAndEveryReplyThen, ()) {
  keeps_its_promise(false);
}

RC_GTEST_PROP(MessengerWithASlowStore, BoundsWhatWaitsForPeersWhoDoNotReadEither, ()) {
  keeps_its_promise(true);
}

}  // namespace
}  // namespace restante::property
