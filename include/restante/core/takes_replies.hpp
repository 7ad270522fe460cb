// Where answers go.
#pragma once

#include <restante/core/request.hpp>
#include <restante/v2/packet.hpp>

namespace restante {

/// What takes the core's answers to requests of restante.v2: out(session, packet) for each packet.
template <class Out>
concept TakesReplies = requires(Out& out, Session session, const v2::Message& message, const v2::Fetched& fetched,
                                const v2::Refused& refused) {
  out(session, message);
  out(session, fetched);
  out(session, refused);
};

}  // namespace restante
