#include "operate_answer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <restante/authentication/json_object.hpp>
#include <vector>

#include <restante/core/refusal.hpp>

namespace restante_server {
namespace {

using nlohmann::json;
using restante::MailboxOperator;
using restante::MailboxSummary;
using restante::Refusal;

// Bounds what an answer takes, in memory and in the time of everybody else.
constexpr std::uint64_t listed_max = 256;

/// Why a request is not carried out.
struct Refused {
  Refusal reason = Refusal::malformed;
  std::string sentence;
};

std::string name_in(const json& request) {
  const std::optional<std::string> name = restante::text_member(request, "name");
  if (!name) {
    throw Refused{Refusal::malformed, "'name' must be the name of a mailbox or a room"};
  }
  return *name;
}

// A number of the request; `otherwise` where it has none of this name.
std::uint32_t number_in(const json& request, const char* name, std::uint64_t smallest, std::uint64_t largest,
                        std::uint64_t otherwise) {
  const auto found = request.find(name);
  if (found == request.end()) {
    return static_cast<std::uint32_t>(otherwise);
  }
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < smallest || found->get<std::uint64_t>() > largest) {
    throw Refused{Refusal::malformed, "'" + std::string{name} + "' must be a number from " + std::to_string(smallest) +
                                          " to " + std::to_string(largest)};
  }
  return found->get<std::uint32_t>();
}

const char* word_of(restante::NameKind kind) {
  return kind == restante::NameKind::room ? "room" : kind == restante::NameKind::classic ? "classic" : "mailbox";
}

json object_of(const MailboxSummary& mailbox) {
  json object{{"name", mailbox.name},
              {"kind", word_of(mailbox.kind)},
              {"messages", mailbox.numbers.depth},
              {"bytes", mailbox.numbers.bytes},
              {"held", mailbox.is_held}};
  if (mailbox.numbers.depth != 0) {
    object["oldest_age_ms"] = mailbox.numbers.oldest_age_ms;
  }
  if (mailbox.kind == restante::NameKind::room) {
    object["members"] = mailbox.members;
  }
  return object;
}

[[noreturn]] void refuse_unknown(const std::string& name) {
  const bool is_room = restante::kind_of_name(restante::as_bytes(name)) == restante::NameKind::room;
  throw Refused{is_room ? Refusal::no_such_room : Refusal::no_such_address, "there is none of this name"};
}

json list(MailboxOperator& mailboxes, const json& request) {
  const restante::MailboxPage page = mailboxes.list(number_in(request, "from", 0, UINT32_MAX, 0),
                                                    number_in(request, "count", 1, listed_max, listed_max));
  json answer{{"mailboxes", json::array()}};
  for (const MailboxSummary& mailbox : page.mailboxes) {
    answer["mailboxes"].push_back(object_of(mailbox));
  }
  if (page.next) {
    answer["next"] = *page.next;
  }
  return answer;
}

json show(MailboxOperator& mailboxes, const json& request) {
  const std::string name = name_in(request);
  const std::uint32_t count = number_in(request, "count", 0, listed_max, listed_max);
  const std::optional<MailboxSummary> mailbox = mailboxes.find(name);
  if (!mailbox) {
    refuse_unknown(name);
  }
  json answer = object_of(*mailbox);
  // As text: 64 bits are more than JSON's readers agree on.
  char epoch[17];
  std::snprintf(epoch, sizeof epoch, "%016llx", static_cast<unsigned long long>(mailbox->epoch));
  answer["epoch"] = mailbox->epoch == 0 ? json(nullptr) : json(epoch);
  answer["stored"] = mailbox->numbers.stored;
  answer["acknowledged"] = mailbox->numbers.acknowledged;
  answer["taken"] = mailbox->numbers.taken;
  answer["expired"] = mailbox->numbers.expired;
  answer["purged"] = mailbox->numbers.purged;
  answer["rooms"] = mailboxes.rooms_of(name);
  answer["oldest"] = json::array();
  for (const restante::MessageSummary& message : mailboxes.oldest_messages(name, count)) {
    answer["oldest"].push_back({{"offset", message.offset},
                                {"from", message.sender},
                                {"age_ms", message.age_ms},
                                {"bytes", message.payload_bytes}});
  }
  return answer;
}

json members(MailboxOperator& mailboxes, const json& request) {
  const std::string name = name_in(request);
  const std::uint32_t count = number_in(request, "count", 1, listed_max, listed_max);
  const std::optional<MailboxSummary> room = mailboxes.find(name);
  if (!room) {
    refuse_unknown(name);
  }
  std::vector<restante::MemberSummary> found =
      mailboxes.members_of(name, restante::text_member(request, "after").value_or(""), count + 1);
  json answer{{"members", json::array()}, {"more", found.size() > count}};
  found.resize(std::min<std::size_t>(found.size(), count));
  for (const restante::MemberSummary& member : found) {
    answer["members"].push_back({{"name", member.name}, {"held", member.is_held}});
  }
  return answer;
}

json removed(const restante::Removal& removal, const std::string& name, const char* what, const Log& log) {
  if (removal.refused == Refusal::storage_unavailable) {
    throw Refused{*removal.refused, "the store is unavailable: nothing can be changed at present"};
  }
  if (removal.refused) {
    refuse_unknown(name);
  }
  log.info("The operator " + std::string{what} + " " + name + ", with " + std::to_string(removal.messages) +
           " messages" + (removal.closed_holder ? "; who held it is closed" : ""));
  return {{what, name}, {"messages", removal.messages}};
}

json carry_out(MailboxOperator& mailboxes, const json& request, const Log& log) {
  const std::string command = restante::text_member(request, "command").value_or("");
  if (command == "list") {
    return list(mailboxes, request);
  }
  if (command == "show") {
    return show(mailboxes, request);
  }
  if (command == "members") {
    return members(mailboxes, request);
  }
  if (command == "purge") {
    const std::string name = name_in(request);
    return removed(mailboxes.purge(name), name, "purged", log);
  }
  if (command == "retire") {
    const std::string name = name_in(request);
    const restante::Removal removal = mailboxes.retire(name);
    json answer = removed(removal, name, "retired", log);
    answer["closed_holder"] = removal.closed_holder;
    return answer;
  }
  throw Refused{Refusal::unknown_operation, "'command' must be list, show, members, purge or retire"};
}

}  // namespace

std::string answer_operator(MailboxOperator& mailboxes, std::string_view line, const Log& log) {
  json answer;
  try {
    const std::optional<json> request = restante::parse_json_object(line);
    if (!request) {
      throw Refused{Refusal::malformed, "a request is an object of JSON in one line"};
    }
    answer = carry_out(mailboxes, *request, log);
  } catch (const Refused& refused) {
    answer = {{"error", restante::name_of(refused.reason)}, {"sentence", refused.sentence}};
  }
  return answer.dump();
}

}  // namespace restante_server
