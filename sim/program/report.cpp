#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <restante/classic/codec.hpp>
#include <restante/sim/plan.hpp>
#include <restante/sim/report.hpp>

#include "report_parts.hpp"
#include "sequence.hpp"
#include "states.hpp"
#include "summary.hpp"
#include "text.hpp"

namespace restante_sim {
namespace {

using restante::BytesView;
using restante::Direction;
using restante::Duration;
using restante::LinkKind;
using restante::SteadyTime;
using restante::sim::Outcome;
using restante::sim::PlannedClient;
using restante::sim::RunResult;
using restante::sim::Scenario;
using restante::sim::Sometimes;
using restante::sim::Violation;

namespace classic = restante::classic;

// ---- Text that may be anything

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// The length of the character of UTF-8 that the text begins with, or 0 where it begins with none.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xC2 && first <= 0xDF ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) {
      return 0;
    }
  }
  if (length > 2) {
    // No longer than needed, no halves of pairs, nothing beyond the last character.
    const unsigned second = byte(1);
    const bool valid = !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second > 0x9F) &&
                       !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second > 0x8F);
    return valid ? length : 0;
  }
  return length;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    valid += length == 0 ? replacement : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return valid;
}

std::string html(std::string_view text) {
  std::string escaped;
  for (const char character : valid_utf8(text)) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

// A string of JSON that ends no element it stands in: there is no "<" in it.
std::string json(std::string_view text) {
  std::string escaped;
  for (const char character : json_text(valid_utf8(text))) {
    escaped += character == '<' ? "\\u003c" : std::string(1, character);
  }
  return escaped;
}

std::string json(SteadyTime time) {
  return std::to_string(time.time_since_epoch().count());
}
std::string json(const std::optional<SteadyTime>& time) {
  return time ? json(*time) : "-1";
}
std::string json(restante::sim::ClientIndex client) {
  return client == restante::sim::no_client ? "-1" : std::to_string(client);
}

template <class Range, class Write>
std::string json_array(const Range& range, Write&& write) {
  std::string text = "[";
  for (const auto& element : range) {
    text += (text.size() == 1 ? "" : ",\n") + write(element);
  }
  return text + "]";
}

// ---- Packets

/// What the page calls a packet, and where in it the payload is.
struct PacketText {
  std::string_view name;
  std::string about = {};
  std::optional<std::size_t> payload_begin = {};
};

std::string from_to(unsigned from, unsigned to) {
  return std::to_string(from) + "\u2192" + std::to_string(to);
}

struct Describe {
  PacketText operator()(const classic::Malformed&) const { return {"NO PACKET"}; }
  PacketText operator()(const classic::Associate& packet) const { return {"ASSOCIATE", std::to_string(packet.id)}; }
  PacketText operator()(const classic::Get& packet) const { return {"GET", std::to_string(packet.id)}; }
  PacketText operator()(const classic::Push& packet) const {
    return {"PUSH", from_to(packet.sender, packet.receiver) + (packet.length_is_valid() ? "" : " (wrong length)"), 5};
  }
  PacketText operator()(const classic::AssociationSuccess& packet) const {
    return {"ASSOCIATIONSUCCESS", std::to_string(packet.id)};
  }
  PacketText operator()(const classic::AssociationFailed& packet) const {
    return {"ASSOCIATIONFAILED", std::to_string(packet.id)};
  }
  PacketText operator()(const classic::UnknownError& packet) const {
    return {"UNKNOWNERROR", std::to_string(packet.id)};
  }
  PacketText operator()(const classic::BufferEmpty& packet) const { return {"BUFFEREMPTY", std::to_string(packet.id)}; }
  PacketText operator()(const classic::PositiveAck& packet) const { return {"POSITIVEACK", std::to_string(packet.id)}; }
  PacketText operator()(const classic::BufferFull& packet) const { return {"BUFFERFULL", std::to_string(packet.id)}; }
  PacketText operator()(const classic::GetResponse& packet) const {
    return {"GETRESPONSE", from_to(packet.sender, packet.id), 5};
  }
};

PacketText describe(const Arrow& arrow, BytesView bytes) {
  const bool to_server = arrow.direction == Direction::to_server;
  if (arrow.what == Arrow::What::opening) {
    return {to_server ? "connect" : "connected"};
  }
  if (arrow.what == Arrow::What::text) {
    return {"TEXT", {}, 0};
  }
  return to_server ? std::visit(Describe{}, classic::decode_client_packet(bytes))
                   : std::visit(Describe{}, classic::decode_server_packet(bytes));
}

// A flood of long messages must not make the page too large to open.
constexpr std::size_t bytes_shown_max = 512;

std::string arrow_json(const Arrow& arrow, const RecordedTrace& trace) {
  const BytesView bytes = trace.entries()[arrow.entry].bytes;
  const PacketText text = describe(arrow, bytes);
  std::string row = "[" + json(arrow.client) + "," + (arrow.direction == Direction::to_server ? "0" : "1") + "," +
                    json(arrow.sent) + "," + json(arrow.received) + "," + json(text.name) + "," + json(text.about);
  row += ",\"" + hex(bytes.first(std::min(bytes.size(), bytes_shown_max))) + "\"," + std::to_string(bytes.size());
  row += "," + (text.payload_begin ? std::to_string(*text.payload_begin) : "-1");
  row += "," + (arrow.answers ? std::to_string(*arrow.answers) : "-1");
  return row + (arrow.doubled ? ",1]" : ",0]");
}

std::string span_json(const restante_sim::Span& span) {
  return "[" + json(span.client) + "," + json(span.begin) + "," + json(span.end) + "," + json(span.text) + "]";
}

// ---- What the diagram and the charts are drawn from

std::vector<PlannedClient> clients_of(Scenario scenario) {
  scenario.only_actions = true;
  scenario.actions.clear();
  return restante::sim::make_plan(scenario, 0).clients;
}

bool is_datagram(const Scenario& scenario, const PlannedClient& client) {
  const std::optional<restante::LinkOptions>& link = scenario.groups[client.group].link;
  return (link ? *link : scenario.link).kind == LinkKind::datagram;
}

std::string findings_json(const RunResult& result) {
  std::vector<Violation> all = result.violations;
  all.insert(all.end(), result.liveness_failures.begin(), result.liveness_failures.end());
  return json_array(all, [](const Violation& violation) {
    return "[" + json(violation.time) + "," + json(violation.checker + ": " + violation.sentence) + "]";
  });
}

std::string data_json(const Scenario& scenario, const std::vector<PlannedClient>& clients, const RunResult& result,
                      const RecordedTrace& trace) {
  const Sequence sequence = make_sequence(
      trace, {.mailbox_messages_max = scenario.mailbox_messages_max, .keeps_messages_in_a_crash = bool{scenario.disk}});
  std::string data = "{\"clients\":";
  data += json_array(clients, [](const PlannedClient& client) {
    return "[" + json(client.name) + "," + std::to_string(client.id) + "]";
  });
  const bool cut = trace.left_out() > 0;
  data += ",\n\"end\":" + json(cut ? sequence.end : std::max(sequence.end, SteadyTime{} + scenario.duration));
  // Whether something was on its way at the end, which was not lost.
  data += std::string{",\n\"open\":"} + (cut || scenario.heals_within == Duration::zero() ? "true" : "false");
  data += ",\n\"capacity\":" + std::to_string(scenario.mailbox_messages_max);
  data += ",\n\"arrows\":" + json_array(sequence.arrows, [&](const Arrow& arrow) { return arrow_json(arrow, trace); });
  data += ",\n\"connections\":" + json_array(sequence.connections, span_json);
  data += ",\n\"faults\":" + json_array(sequence.faults, span_json);
  data += ",\n\"closings\":" + json_array(sequence.closings, [](const Mark& mark) {
            return "[" + json(mark.client) + "," + json(mark.time) + "," + (mark.at_server ? "1," : "0,") +
                   json(mark.text) + "]";
          });
  data += ",\n\"depths\":" + json_array(sequence.depths, [](const Depth& depth) {
            return "[" + std::to_string(depth.mailbox) + "," + json(depth.time) + "," + std::to_string(depth.messages) +
                   "]";
          });
  return data + ",\n\"findings\":" + findings_json(result) + "}";
}

// ---- The parts of the page that are text

std::string checker_row(std::string_view name, std::string_view checks, std::size_t failures) {
  const std::string many = failures >= restante::sim::Findings::kept_max ? " or more" : "";
  return "<li data-tone=\"" + std::string{failures > 0 ? "bad" : "good"} + "\"><b>" + std::string{name} +
         "</b> <span>" + std::string{checks} + "</span> <em>" +
         (failures > 0 ? counted(failures, "failure") + many : "held") + "</em></li>\n";
}

// The names of checkers that found something; those in violations have no account of what links they were about.
std::map<std::string_view, std::size_t> failures_of(const RunResult& result) {
  std::map<std::string_view, std::size_t> failures;
  for (const std::vector<Violation>* const list : {&result.violations, &result.liveness_failures}) {
    for (const Violation& violation : *list) {
      ++failures[violation.checker];
    }
  }
  return failures;
}

std::string checkers_html(const Scenario& scenario, const RunResult& result) {
  std::string text = "<ul class=\"checkers\">\n";
  std::map<std::string_view, std::size_t> unlisted = failures_of(result);
  for (const AppliedChecker& checker : applied_checkers(scenario)) {
    std::size_t failures = 0;
    for (const auto& [name, count] : failures_of(result)) {
      if (checker.name.substr(0, checker.name.find(' ')) == name) {
        failures += count;
        unlisted.erase(name);
      }
    }
    text += checker_row(checker.name, checker.what, failures);
  }
  for (const auto& [name, count] : unlisted) {
    text += checker_row(html(name), "what no checker has to look for", count);
  }
  if (!scenario.expectations.empty()) {
    text += checker_row("expectations", "what the scenario says must come of it", result.unmet.size());
  }
  return text + "</ul>\n";
}

std::string findings_html(const RunResult& result) {
  std::string text;
  std::size_t number = 0;
  for (const std::vector<Violation>* const list : {&result.violations, &result.liveness_failures}) {
    for (const Violation& violation : *list) {
      text += "<li><button type=\"button\" class=\"link\" data-finding=\"" + std::to_string(number++) + "\">" +
              html(rounded(violation.time.time_since_epoch())) + "</button> <b>" + html(violation.checker) +
              "</b> <bdi>" + html(violation.sentence) + "</bdi></li>\n";
    }
  }
  for (const std::string& unmet : result.unmet) {
    text += "<li><b>expectation</b> <bdi>" + html(unmet) + "</bdi></li>\n";
  }
  return text.empty() ? "" : "<ul class=\"findings\">\n" + text + "</ul>\n";
}

// "messages_taken" as "messages taken".
std::string words(std::string_view name) {
  std::string text{name};
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string totals_html(const RunResult& result) {
  std::string text = "<dl class=\"numbers\">\n";
  for (const restante::sim::NamedNumber& number : numbers_of(result.totals)) {
    text += "<div" + std::string{number.value == 0 ? " class=\"none\"" : ""} + "><dt>" + words(number.name) +
            "</dt><dd>" + with_commas(number.value) + "</dd></div>\n";
  }
  return text + "</dl>\n";
}

std::string states_html(const Scenario& scenario, const RunResult& result) {
  std::string reached;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    if (const std::uint64_t count = result.sometimes[state]; count > 0) {
      reached += "<div><dt>" + words(name(state)) + "</dt><dd>" + with_commas(count) + "</dd></div>\n";
    }
  }
  std::string never;
  for (const std::string_view state : never_reached(scenario, result.sometimes)) {
    never += "<li>" + words(state) + "</li>\n";
  }
  return (reached.empty() ? "<p class=\"hint\">None.</p>\n" : "<dl class=\"numbers\">\n" + reached + "</dl>\n") +
         (never.empty()
              ? ""
              : "<h3>Never reached, though this scenario could</h3>\n<ul class=\"never\">\n" + never + "</ul>\n");
}

std::string clients_html(const Scenario& scenario, const std::vector<PlannedClient>& clients, const RunResult& result) {
  std::string text =
      "<table>\n<thead><tr><th scope=\"col\">Client</th><th scope=\"col\">Id</th><th scope=\"col\">Accepted</th>"
      "<th scope=\"col\">Mailbox full</th><th scope=\"col\">Refused</th><th scope=\"col\">Unknown</th>"
      "<th scope=\"col\">Not connected</th><th scope=\"col\">Messages got</th><th scope=\"col\">Found empty</th>"
      "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < clients.size() && i < result.clients.size(); ++i) {
    const restante::sim::ClientTotals& totals = result.clients[i];
    text += "<tr><th scope=\"row\"><bdi>" + html(clients[i].name) + "</bdi>" +
            (scenario.groups[clients[i].group].raw ? " <small>raw</small>" : "") +
            (is_datagram(scenario, clients[i]) ? " <small>datagrams</small>" : "") + "</th><td>" +
            std::to_string(clients[i].id) + "</td>";
    for (const std::uint64_t number : {totals.accepted, totals.mailbox_full, totals.refused, totals.unknown,
                                       totals.not_connected, totals.messages, totals.found_empty}) {
      text += (number == 0 ? "<td class=\"none\">" : "<td>") + with_commas(number) + "</td>";
    }
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table>\n";
}

std::string notes_html(const RecordedTrace& trace) {
  if (trace.left_out() == 0) {
    return "";
  }
  return "<p class=\"notice\">The diagram and the charts show the first " + with_commas(trace.entries().size()) +
         " entries of the trace, and leave out the " + with_commas(trace.left_out()) +
         " that came after. Verdicts and totals are about the whole run.</p>\n";
}

std::string facts_html(const Scenario& scenario, std::uint64_t seed, std::size_t clients, const RunResult& result) {
  const auto fact = [](std::string_view name, const std::string& value) {
    return "<div><dt>" + std::string{name} + "</dt><dd>" + value + "</dd></div>\n";
  };
  std::string text = "<dl class=\"facts\">\n" + fact("Seed", std::to_string(seed)) +
                     fact("Clients", with_commas(clients)) + fact("Lasts", rounded(scenario.duration));
  if (scenario.heals_within > Duration::zero()) {
    text += fact("Healed after", rounded(result.healed_after));
  }
  text += fact("Store", scenario.disk ? "disk" : "memory");
  if (result.trace_hash != 0) {
    text += fact("Trace", "<code>" + hex(result.trace_hash) + "</code>");
  }
  return text + "</dl>\n";
}

// The page has marks like {{title}}; what takes their place is not looked at again.
std::string fill(std::string_view page, const std::map<std::string_view, std::string>& parts) {
  std::string text;
  for (std::size_t begin = page.find("{{"); begin != std::string_view::npos; begin = page.find("{{")) {
    const std::size_t end = page.find("}}", begin);
    text += page.substr(0, begin);
    text += parts.at(page.substr(begin + 2, end - begin - 2));
    page.remove_prefix(end + 2);
  }
  return text + std::string{page};
}

}  // namespace

std::string html_report(const Scenario& scenario, std::uint64_t seed, const RunResult& result,
                        const RecordedTrace& trace, std::string_view replay_command) {
  const std::vector<PlannedClient> clients = clients_of(scenario);
  std::string word{verdict(result.outcome)};
  word.front() = static_cast<char>(word.front() - 'a' + 'A');
  const std::string command = replay_command.empty() ? "restante-sim run " + shell_text(scenario.name + ".toml") +
                                                           " --seed " + std::to_string(seed)
                                                     : std::string{replay_command};
  return fill(report_html, {{"style", std::string{report_css}},
                            {"script", std::string{report_js}},
                            {"title", html(scenario.name)},
                            {"seed", std::to_string(seed)},
                            {"description", html(scenario.description)},
                            {"tone", result.outcome == Outcome::held ? "good" : "bad"},
                            {"verdict", word},
                            {"command", html(command)},
                            {"facts", facts_html(scenario, seed, clients.size(), result)},
                            {"notes", notes_html(trace)},
                            {"checkers", checkers_html(scenario, result)},
                            {"findings", findings_html(result)},
                            {"totals", totals_html(result)},
                            {"states", states_html(scenario, result)},
                            {"clients", clients_html(scenario, clients, result)},
                            {"open", clients.size() <= 12 ? " open" : ""},
                            {"data", data_json(scenario, clients, result, trace)}});
}

}  // namespace restante_sim
