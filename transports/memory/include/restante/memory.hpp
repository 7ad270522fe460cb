// The in-memory transport: a network inside one program, with virtual time.
//
// Nothing here reads a clock, starts a thread or draws from anything but the seed: the same seed and the same calls
// give the same reports, byte for byte, with every compiler. A server, two clients and ten seconds of traffic:
//
//   restante::MemoryNetwork network{{.seed = 7}};
//   restante::MemoryServer server{network};
//   restante::Messenger messenger{server};
//   restante::MemoryClient ada_transport{network, server};
//   restante::MemoryClient bob_transport{network, server, {.link = restante::LinkOptions{.jitter = 20ms}}};
//   …
//   network.run_for(10s);
//
// Faults are made on purpose: MemoryNetwork breaks and stalls connections, MemoryClient is partitioned from its server,
// and both kinds of endpoint can crash. docs/adr/0004-virtual-network.md says what the model leaves out, and why.
#pragma once

#include <restante/memory/endpoint.hpp>
#include <restante/memory/link.hpp>
#include <restante/memory/network.hpp>
#include <restante/memory/random.hpp>
#include <restante/memory/timeline.hpp>
