#include "summary.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <restante/memory/link.hpp>
#include <restante/sim/plan.hpp>

#include "states.hpp"
#include "text.hpp"

namespace restante_sim {
namespace {

using restante::sim::ClientTotals;
using restante::sim::EntryKind;
using restante::sim::Outcome;
using restante::sim::PlannedClient;
using restante::sim::RunResult;
using restante::sim::Scenario;
using restante::sim::Sometimes;
using restante::sim::Totals;
using restante::sim::Violation;

/// One row of a summary: a word at the left, and at its right what there is to say.
std::string row(std::string_view word, std::string_view text) {
  constexpr std::size_t width = 10;
  std::string line = "  " + std::string{word};
  line.resize(std::max(line.size(), width + 2), ' ');
  return line + std::string{text} + "\n";
}

std::string time_text(restante::SteadyTime time) {
  return rounded(time.time_since_epoch());
}

struct LinkKinds {
  bool stream = false;
  bool datagram = false;
  bool judged_client = false;
};

LinkKinds kinds_of(const Scenario& scenario) {
  LinkKinds kinds;
  for (const restante::sim::ClientGroup& group : scenario.groups) {
    const bool datagram = (group.link ? *group.link : scenario.link).kind == restante::LinkKind::datagram;
    kinds.datagram |= datagram;
    kinds.stream |= !datagram;
    kinds.judged_client |= !datagram && !group.raw;
  }
  return kinds;
}

// The totals of each group, or of each client where there are few.
std::vector<std::pair<std::string, ClientTotals>> totals_of_clients(const FinishedRun& run) {
  constexpr std::size_t rows_max = 12;
  Scenario who;
  who.groups = run.scenario.groups;
  who.only_actions = true;
  const std::vector<PlannedClient> clients = restante::sim::make_plan(who, 0).clients;
  const bool by_group = clients.size() > rows_max;
  std::vector<std::pair<std::string, ClientTotals>> rows;
  for (std::size_t i = 0; i < clients.size() && i < run.result.clients.size(); ++i) {
    if (!by_group) {
      rows.emplace_back(clients[i].name + ", id " + std::to_string(clients[i].id), ClientTotals{});
    } else if (rows.empty() || clients[i].group != clients[i - 1].group) {
      const restante::sim::ClientGroup& group = run.scenario.groups[clients[i].group];
      rows.emplace_back(group.name + ", " + std::to_string(group.count) + " of them", ClientTotals{});
    }
    const ClientTotals& totals = run.result.clients[i];
    ClientTotals& sum = rows.back().second;
    sum.accepted += totals.accepted;
    sum.mailbox_full += totals.mailbox_full;
    sum.refused += totals.refused;
    sum.unknown += totals.unknown;
    sum.not_connected += totals.not_connected;
    sum.messages += totals.messages;
    sum.found_empty += totals.found_empty;
  }
  return rows;
}

void add(std::string& text, std::uint64_t number, std::string_view what) {
  if (number > 0) {
    text += (text.empty() ? "" : ", ") + with_commas(number) + " " + std::string{what};
  }
}

std::string clients_text(const FinishedRun& run) {
  std::string text;
  for (const auto& [name, totals] : totals_of_clients(run)) {
    std::string line;
    add(line, totals.accepted, "accepted");
    add(line, totals.mailbox_full, "found the mailbox full");
    add(line, totals.refused, "refused");
    add(line, totals.unknown, "of unknown outcome");
    add(line, totals.not_connected, "not sent for want of a connection");
    add(line, totals.messages, "received");
    text += row(text.empty() ? "clients" : "", name + ": " + (line.empty() ? "nothing" : line));
  }
  return text;
}

std::string messages_text(const Totals& totals) {
  std::string text =
      with_commas(totals.pushes_accepted) + " accepted, " + with_commas(totals.messages_delivered) + " delivered";
  add(text, totals.pushes_mailbox_full, "refused by full mailboxes");
  add(text, totals.messages_lost_with_connection, "lost on their way, which is allowed");
  add(text, totals.messages_lost_in_crash, "forgotten by a server without a disk when it crashed");
  add(text, totals.messages_held, "still held");
  return text;
}

std::string states_text(const FinishedRun& run) {
  std::string reached;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    if (run.result.sometimes[state] > 0) {
      reached +=
          (reached.empty() ? "" : ", ") + std::string{name(state)} + " " + with_commas(run.result.sometimes[state]);
    }
  }
  const std::string never = joined(never_reached(run.scenario, run.result.sometimes));
  return (reached.empty() ? "" : row("reached", reached)) +
         (never.empty() ? "" : row("never", never + ", which this scenario could reach"));
}

std::string faults_text(const FaultCounter& faults) {
  std::string text;
  for (const auto& [fault, count] : faults.counts()) {
    text += (text.empty() ? "" : ", ") + fault + " " + with_commas(count);
  }
  return text.empty() ? "none" : text;
}

std::string json_violations(const std::vector<Violation>& violations) {
  std::string json;
  for (const Violation& violation : violations) {
    json += std::string{json.empty() ? "" : ","} + "{\"checker\":" + json_text(violation.checker) +
            ",\"time_ns\":" + std::to_string(violation.time.time_since_epoch().count()) +
            ",\"sentence\":" + json_text(violation.sentence) + "}";
  }
  return "[" + json + "]";
}

std::string json_member(std::string_view name, std::uint64_t number) {
  return json_text(name) + ":" + std::to_string(number);
}

template <class Range>
std::string json_texts(const Range& range) {
  std::string json;
  for (const auto& element : range) {
    json += (json.empty() ? "" : ",") + json_text(element);
  }
  return "[" + json + "]";
}

std::string json_clients(const FinishedRun& run) {
  std::string json;
  for (const ClientTotals& totals : run.result.clients) {
    json += (json.empty() ? "{" : ",{") + json_member("accepted", totals.accepted) + "," +
            json_member("mailbox_full", totals.mailbox_full) + "," + json_member("refused", totals.refused) + "," +
            json_member("unknown", totals.unknown) + "," + json_member("not_connected", totals.not_connected) + "," +
            json_member("messages", totals.messages) + "," + json_member("found_empty", totals.found_empty) + "}";
  }
  return "[" + json + "]";
}

}  // namespace

ExitCode exit_code(Outcome outcome) noexcept {
  return outcome == Outcome::held       ? ExitCode::held
         : outcome == Outcome::not_live ? ExitCode::not_live
                                        : ExitCode::broken;
}

std::string_view verdict(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::held:
      return "held";
    case Outcome::unexpected:
      return "not as expected";
    case Outcome::not_live:
      return "liveness failed";
    case Outcome::violated:
      return "an invariant broke";
  }
  return "unknown";
}

std::string findings(const RunResult& result, std::string_view indentation) {
  std::string text;
  for (const std::vector<Violation>* const list : {&result.violations, &result.liveness_failures}) {
    for (const Violation& violation : *list) {
      text += std::string{indentation} + violation.checker + ", after " + time_text(violation.time) + ": " +
              violation.sentence + "\n";
    }
  }
  for (const std::string& unmet : result.unmet) {
    text += std::string{indentation} + "expectation: " + unmet + "\n";
  }
  return text;
}

void FaultCounter::observe(const restante::sim::Entry& entry) {
  std::string_view what;
  if (entry.kind == EntryKind::fault) {
    what = entry.text;
  } else if (entry.kind == EntryKind::server_crashed) {
    what = "the server crashed";
  } else if (entry.kind == EntryKind::store_failed) {
    what = "the store failed";
  }
  if (what.empty() || what == "everything heals") {
    return;
  }
  const auto found = counts_.find(what);
  ++(found == counts_.end() ? counts_.emplace(what, 0).first : found)->second;
}

std::vector<AppliedChecker> applied_checkers(const Scenario& scenario) {
  const LinkKinds kinds = kinds_of(scenario);
  std::vector<AppliedChecker> checkers{
      {"protocol", "each reply of the server, whose ids and messages are whose, capacity, order, the books"}};
  if (kinds.stream) {
    checkers.push_back({"delivery on streams", "everything once and in order, or the connection broke"});
  }
  if (kinds.datagram) {
    checkers.push_back({"delivery on datagram links", "nothing that was not sent; loss and doubles are the link's"});
  }
  if (kinds.judged_client) {
    checkers.push_back({"client", "what the library's Client sends, and when it gives up"});
  }
  checkers.push_back({"flow", "slow readers are closed only after their time"});
  checkers.push_back({"network", "no link delivered more than was sent"});
  if (scenario.heals_within > restante::Duration::zero()) {
    checkers.push_back({"liveness", kinds.judged_client
                                        ? "afterwards ids find holders, mailboxes drain, all replies come"
                                        : "afterwards all replies come"});
  }
  return checkers;
}

std::string summary(const FinishedRun& run) {
  const Totals& totals = run.result.totals;
  std::string text = run.scenario.name + ", seed " + std::to_string(run.seed) + ": " +
                     std::string{verdict(run.result.outcome)} + "\n" + findings(run.result, "  ! ");
  text += row("time", rounded(run.scenario.duration) +
                          (run.scenario.heals_within > restante::Duration::zero()
                               ? ", and " + rounded(run.result.healed_after) + " until all had what they wanted"
                               : std::string{}));
  text += clients_text(run);
  text += row("requests", with_commas(totals.requests_received) + " received, " + with_commas(totals.replies_sent) +
                              " answered, on " + counted(totals.connections_opened, "connection") + " (" +
                              with_commas(totals.connections_broken) + " ends broke or did not open)");
  text += row("messages", messages_text(totals));
  if (kinds_of(run.scenario).datagram) {
    text += row("datagrams", with_commas(totals.datagrams_lost) + " lost and " + with_commas(totals.datagrams_doubled) +
                                 " doubled by their links");
  }
  text += row("faults", faults_text(run.faults));
  text += states_text(run);
  std::string names;
  for (const AppliedChecker& checker : applied_checkers(run.scenario)) {
    names += (names.empty() ? "" : ", ") + std::string{checker.name};
  }
  text += row("checkers", names);
  if (kinds_of(run.scenario).datagram) {
    for (const AppliedChecker& checker : applied_checkers(run.scenario)) {
      text += row("", std::string{checker.name} + ": " + std::string{checker.what});
    }
  }
  text += row("trace", hex(run.result.trace_hash));
  return text + row("again", run.replay);
}

std::string json_summary(const FinishedRun& run) {
  const RunResult& result = run.result;
  std::string json =
      "{\"scenario\":" + json_text(run.scenario.name) + "," + json_member("seed", run.seed) +
      ",\"verdict\":" + json_text(verdict(result.outcome)) + ",\"violations\":" + json_violations(result.violations) +
      ",\"liveness_failures\":" + json_violations(result.liveness_failures) + ",\"unmet\":" + json_texts(result.unmet);
  json += ",\"totals\":{";
  std::string separator;
  for (const restante::sim::NamedNumber& number : numbers_of(result.totals)) {
    json += std::exchange(separator, ",") + json_member(number.name, number.value);
  }
  json += "},\"reached\":{";
  separator.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    json += std::exchange(separator, ",") + json_member(name(state), result.sometimes[state]);
  }
  json += "},\"never\":" + json_texts(never_reached(run.scenario, result.sometimes)) + ",\"faults\":{";
  separator.clear();
  for (const auto& [fault, count] : run.faults.counts()) {
    json += std::exchange(separator, ",") + json_member(fault, count);
  }
  std::vector<std::string_view> checkers;
  for (const AppliedChecker& checker : applied_checkers(run.scenario)) {
    checkers.push_back(checker.name);
  }
  json += "},\"checkers\":" + json_texts(checkers) + ",\"clients\":" + json_clients(run) + "," +
          json_member("healed_after_ns", static_cast<std::uint64_t>(result.healed_after.count())) +
          ",\"trace_hash\":" + json_text(hex(result.trace_hash)) + ",\"again\":" + json_text(run.replay);
  return json + "}\n";
}

}  // namespace restante_sim
