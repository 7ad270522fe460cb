#include "metrics.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <restante/core/refusal.hpp>
#include <restante/version.hpp>

#include "packet_text.hpp"

namespace restante_server {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

class Text {
 public:
  void head(std::string_view name, std::string_view kind, std::string_view help) {
    text_ += "# HELP restante_" + std::string{name} + " " + std::string{help} + "\n# TYPE restante_" +
             std::string{name} + " " + std::string{kind} + "\n";
  }

  void value(std::string_view name, std::string_view labels, std::string_view value) {
    text_ += "restante_" + std::string{name};
    if (!labels.empty()) {
      text_ += "{" + std::string{labels} + "}";
    }
    text_ += " " + std::string{value} + "\n";
  }

  void one(std::string_view name, std::string_view kind, std::string_view help, std::uint64_t amount) {
    head(name, kind, help);
    value(name, "", std::to_string(amount));
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_requests(Text& text, const restante::MessengerCounters& counters) {
  const restante::Answers& answers = counters.answers;
  struct Row {
    std::string_view packet;
    std::string_view result;
    std::uint64_t count;
  };
  const std::initializer_list<Row> rows{{"ASSOCIATE", "associated", answers.associated},
                                        {"ASSOCIATE", "taken", answers.address_taken},
                                        {"PUSH", "stored", answers.push_stored},
                                        {"PUSH", "mailbox_full", answers.push_mailbox_full},
                                        {"PUSH", "not_associated", answers.push_not_associated},
                                        {"PUSH", "payload_too_large", answers.push_payload_too_large},
                                        {"GET", "message", answers.get_message},
                                        {"GET", "empty", answers.get_empty},
                                        {"GET", "not_associated", answers.get_not_associated},
                                        {"any", "storage_unavailable", answers.storage_unavailable}};
  const restante::JudgedAssociates& associates = counters.associates;
  text.head("requests_total", "counter", "Requests of the classic protocol by packet and by what came of them.");
  std::uint64_t known = 0;
  for (const Row& row : rows) {
    known += row.count;
    text.value("requests_total",
               "packet=\"" + std::string{row.packet} + "\",result=\"" + std::string{row.result} + "\"",
               std::to_string(row.count));
  }
  const auto value = [&text](std::string_view labels, std::uint64_t count) {
    text.value("requests_total", labels, std::to_string(count));
  };
  value("packet=\"ASSOCIATE\",result=\"unauthorised\"", associates.rejected);
  value("packet=\"ASSOCIATE\",result=\"not_checked\"", associates.unavailable);
  // What reached no rule of the mailboxes. An ASSOCIATE whose credential was accepted is among the rows above.
  std::uint64_t others = known + (associates.asked - associates.accepted);
  for (const std::uint64_t count : counters.v2_requests) {
    others += count;
  }
  value("packet=\"any\",result=\"malformed\"", counters.packets_received - others);
}

void add_v2(Text& text, const restante::MessengerCounters& counters) {
  text.head("v2_requests_total", "counter", "Requests of restante.v2.");
  for (std::size_t code = 0; code < counters.v2_requests.size(); ++code) {
    const std::string_view name = code == 0 ? "unreadable" : v2_request_name(code);
    text.value("v2_requests_total", "request=\"" + std::string{name} + "\"",
               std::to_string(counters.v2_requests[code]));
  }
  text.head("v2_refusals_total", "counter", "Requests of restante.v2 that were refused, by reason.");
  for (std::size_t reason = 1; reason < restante::refusals; ++reason) {
    const std::string_view name = restante::name_of(static_cast<restante::Refusal>(reason));
    text.value("v2_refusals_total", "reason=\"" + std::string{name} + "\"", std::to_string(counters.refused[reason]));
  }
  text.one("waits", "gauge", "Requests of restante.v2 that wait.", counters.waits);
  text.one("takeovers_total", "counter", "Connections that another one replaced at its address.", counters.takeovers);
  text.one("credentials_rejected_total", "counter", "Credentials that were found wrong.",
           counters.credentials_rejected);
}

// loaded + stored = taken + acknowledged + expired + purged + trimmed + held.
void add_books(Text& text, const restante::Books& books) {
  text.one("messages_held", "gauge", "Messages in all mailboxes and rooms.", books.held);
  text.one("messages_loaded_total", "counter", "Messages that the store gave back.", books.loaded);
  text.one("messages_stored_total", "counter", "Messages that entered a mailbox or room.", books.stored);
  text.one("messages_taken_total", "counter", "Messages that a GET took.", books.taken);
  text.one("messages_acknowledged_total", "counter", "Messages that were acknowledged.", books.acknowledged);
  text.one("messages_expired_total", "counter", "Messages whose time to live ran out.", books.expired);
  text.one("messages_purged_total", "counter", "Messages that the operator removed.", books.purged);
  text.one("messages_trimmed_total", "counter", "Messages that left a room to make place.", books.trimmed);
}

void add_latency(Text& text, const LatencyHistogram& latency) {
  constexpr std::string_view name = "request_duration_seconds";
  text.head(name, "histogram", "From reading a request from the network to giving its reply to the network.");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < LatencyHistogram::bounds_us.size(); ++i) {
    below += latency.count(i);
    text.value(std::string{name} + "_bucket",
               "le=\"" + number(static_cast<double>(LatencyHistogram::bounds_us[i]) / 1e6) + "\"",
               std::to_string(below));
  }
  below += latency.count(LatencyHistogram::bounds_us.size());
  text.value(std::string{name} + "_bucket", "le=\"+Inf\"", std::to_string(below));
  text.value(std::string{name} + "_sum", "", number(latency.sum_seconds()));
  text.value(std::string{name} + "_count", "", std::to_string(below));
}

void add_threads(Text& text, const ServerNumbers& numbers) {
  const restante::LockTimes& times = numbers.lock_times;
  const auto seconds = [](restante::Duration duration) { return static_cast<double>(duration.count()) / 1e9; };
  text.one("threads", "gauge", "Threads that read and write.", numbers.threads);
  text.one("lock_turns_total", "counter", "Times that one of several threads had the mailboxes.", times.turns);
  text.one("lock_waits_total", "counter", "Times that it had to wait for another.", times.waits);
  text.head("lock_held_seconds_total", "counter", "How long threads had the mailboxes.");
  text.value("lock_held_seconds_total", "", number(seconds(times.held)));
  text.head("lock_waited_seconds_total", "counter", "How long threads waited for the mailboxes.");
  text.value("lock_waited_seconds_total", "", number(seconds(times.waited)));
}

void add_store(Text& text, const restante::SqliteStoreCounters& store) {
  const auto seconds = [](std::chrono::nanoseconds duration) { return static_cast<double>(duration.count()) / 1e9; };
  text.one("store_transactions_total", "counter", "Transactions that became durable.", store.transactions);
  text.one("store_turns_total", "counter", "Turns of the server that they made durable.", store.turns);
  text.one("store_changes_total", "counter", "Changes that they made durable.", store.changes);
  text.one("store_bytes_total", "counter", "Bytes of payloads and names that they made durable.", store.bytes);
  text.head("store_write_seconds_total", "counter", "How long transactions took, syncs included.");
  text.value("store_write_seconds_total", "", number(seconds(store.writing)));
  text.one("store_checkpoints_total", "counter", "Times that the log was moved into the file.", store.checkpoints);
  text.head("store_checkpoint_seconds_total", "counter", "How long that took.");
  text.value("store_checkpoint_seconds_total", "", number(seconds(store.checkpointing)));
  text.one("store_log_bytes", "gauge", "Bytes of the log that are not in the file yet.",
           std::uint64_t{store.log_pages} * 4096);
}

}  // namespace

void LatencyHistogram::add(restante::Duration took, std::uint64_t requests) {
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<restante::Duration::rep>(took.count(), 0));
  const auto* const bucket = std::lower_bound(bounds_us.begin(), bounds_us.end(), (nanoseconds + 999) / 1000);
  counts_[static_cast<std::size_t>(bucket - bounds_us.begin())].fetch_add(requests, std::memory_order_relaxed);
  sum_ns_.fetch_add(nanoseconds * requests, std::memory_order_relaxed);
}

std::string metrics_text(const ServerNumbers& numbers) {
  const restante::MessengerCounters& counters = numbers.messenger;
  Text text;
  text.head("build_info", "gauge", "The version of the server.");
  text.value("build_info", "version=\"" + std::string{restante::version} + "\"", "1");
  text.one("connections", "gauge", "Connections that are open.", counters.connections_open);
  text.one("connections_opened_total", "counter", "Connections that were opened.", counters.connections_opened);
  text.one("handshakes_refused_total", "counter", "Connections that were not let in.", numbers.handshakes_refused);
  text.one("connections_paused_total", "counter",
           "Times that a connection was not read from, because its replies waited.", counters.connections_paused);
  text.one("connections_stuck_total", "counter", "Connections closed because their peer did not read.",
           counters.connections_stuck);
  text.one("text_messages_refused_total", "counter", "Connections closed because they sent text.",
           counters.text_messages_refused);
  text.one("addresses_held", "gauge", "Addresses that a connection holds.", counters.addresses_held);
  text.one("addresses_named", "gauge", "Addresses besides the classic ids, rooms included.", counters.addresses_named);
  text.one("packets_received_total", "counter", "Packets from clients.", counters.packets_received);
  text.one("packets_sent_total", "counter", "Packets to clients.", counters.packets_sent);
  add_requests(text, counters);
  add_v2(text, counters);
  text.one("mailboxes_in_use", "gauge", "Mailboxes of classic ids with messages in them.", numbers.mailboxes_in_use);
  add_books(text, counters.books);
  text.one("payload_bytes_held", "gauge", "Bytes of the payloads of all messages.", counters.payload_bytes_held);
  text.one("store_available", "gauge", "Whether the store takes changes.", counters.store_available ? 1 : 0);
  text.one("store_failures_total", "counter", "Times that the store failed.", counters.store_failures);
  if (numbers.store) {
    add_store(text, *numbers.store);
  }
  add_latency(text, numbers.latency);
  add_threads(text, numbers);
  return text.take();
}

}  // namespace restante_server
