// A trace as a file: one object of JSON in each line.
#pragma once

#include <ostream>

#include <restante/sim/trace.hpp>

namespace restante_sim {

/// Writes each entry as it happens: {"time_ns":…,"kind":…,"client":…,"connection":"slot.generation",…}, and where they
/// say something, "packet" (its name), "hex" (its bytes), "text" (a reason or a fault) and "code".
class TraceFile final : public restante::sim::Observer {
 public:
  /// `stream` must live longer. Whoever made it checks whether all could be written.
  explicit TraceFile(std::ostream& stream) : stream_{stream} {}

  void observe(const restante::sim::Entry& entry) override;

 private:
  std::ostream& stream_;
};

}  // namespace restante_sim
