// What an operator may ask a server, in lines of JSON (docs/operations.md, "Mailboxes").
#pragma once

#include <string>
#include <string_view>

#include <restante/mailbox_operator.hpp>

#include "log.hpp"

namespace restante_server {

/// The answer to a line, neither with its end. Whatever the line is, there is one: an object of JSON, with the name of
/// an error where nothing was done. What changes something is logged.
std::string answer_operator(restante::MailboxOperator& mailboxes, std::string_view line, const Log& log);

}  // namespace restante_server
