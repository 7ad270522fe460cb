// Who may have mail, and who may be where.
#pragma once

#include <restante/bytes.hpp>

namespace restante {

/// What the core asks when it would make something for somebody. Must not call the core.
class Authoriser {
 public:
  /// Whether the address may receive although nobody ever opened it.
  virtual bool provisioned(BytesView address) const = 0;
  virtual bool may_create(BytesView address, BytesView room) const = 0;
  virtual bool may_join(BytesView address, BytesView room) const = 0;

 protected:
  ~Authoriser() = default;
};

}  // namespace restante
