// What is missing, in words, where something is given to a Messenger that it cannot use.
#pragma once

#include <restante/store.hpp>
#include <restante/transport.hpp>

namespace restante::detail {

template <class T>
consteval bool is_transport() {
  static_assert(ReportsEvents<T>,
                "the transport lacks start(TransportListener&) or stop(): see restante/transport.hpp");
  static_assert(SendsMessages<T>, "the transport lacks send(Connection, BytesView): see restante/transport.hpp");
  static_assert(ClosesConnections<T>,
                "the transport lacks close(Connection, CloseCode, std::string_view): see restante/transport.hpp");
  static_assert(PausesReceiving<T>,
                "the transport lacks pause(Connection) or resume(Connection): see restante/transport.hpp");
  static_assert(KeepsTime<T>, "the transport lacks now(), wake_at(SteadyTime) or wake(): see restante/transport.hpp");
  return true;
}

template <class S>
consteval bool is_store() {
  static_assert(RecordsChanges<S>,
                "the store lacks record(const MessageStored&) or record(const MessageTaken&): see restante/store.hpp");
  static_assert(LoadsMessages<S>, "the store lacks load(MessageLoader&): see restante/store.hpp");
  static_assert(DurableAtOnce<S> || CommitsTurns<S>,
                "the store has neither durable_at_once nor start, stop, commit and completed: see restante/store.hpp");
  return true;
}

}  // namespace restante::detail
