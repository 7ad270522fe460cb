// Who may open which address, as the options say.
#pragma once

#include <restante/authentication/any.hpp>

#include "options.hpp"

namespace restante_server {

/// Reads the file that the options name. Throws restante::AuthenticationError.
restante::AnyAuthentication make_authentication(const Options& options);

}  // namespace restante_server
