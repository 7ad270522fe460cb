#include "authentication.hpp"

namespace restante_server {

restante::AnyAuthentication make_authentication(const Options& options) {
  switch (options.authentication) {
    case AuthenticationKind::passwords:
      return restante::AnyAuthentication{restante::PasswordAuthenticationOptions{.file = options.authentication_file,
                                                                                 .threads = options.password_threads}};
    case AuthenticationKind::tokens:
      return restante::AnyAuthentication{
          restante::TokenAuthenticationOptions{.file = options.authentication_file,
                                               .policy = {.leeway = options.token_leeway,
                                                          .expiry_required = !options.tokens_without_expiry,
                                                          .audience = options.token_audience}}};
    case AuthenticationKind::none:
      break;
  }
  return restante::AnyAuthentication{};
}

}  // namespace restante_server
