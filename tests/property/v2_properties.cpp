// restante.v2 as a whole: the real Messenger answers whatever peers send as docs/protocol.md says, and nobody waits for
// what is there.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "v2_player.hpp"

namespace restante::property {
namespace {

RC_GTEST_PROP(V2Messenger, AnswersAsTheModelWhateverPeersDo, ()) {
  play(any_step());
}

RC_GTEST_PROP(V2Messenger, AnswersAsTheModelWhileAnOperatorPurgesAndRetires, ()) {
  play(any_step_around_an_operator());
}

}  // namespace
}  // namespace restante::property
