// Counts what a program asks of the system and of the heap. Loaded into it with LD_PRELOAD, it takes the place of the C
// library's functions, counts, and does what they would have done. The counts stand in the file that RESTANTE_CALLS
// names, where they can be read at any time, also after the program has ended: 64-bit numbers in the order of Call.
//
// For x86-64 and its like with the GNU C library, and for servers: what a server does not call is not counted.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// What the functions of the heap and the lock are called besides. The C library has these names for its own use and for
// programs such as this.
extern "C" {
void* __libc_malloc(std::size_t bytes);                           // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t bytes);        // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t bytes);            // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t bytes);  // NOLINT(bugprone-reserved-identifier)
int __pthread_mutex_lock(pthread_mutex_t* mutex);                 // NOLINT(bugprone-reserved-identifier)
}

namespace {

// bench/costs.py has the same list.
enum Call : std::size_t {
  receives,      // recv, recvfrom, recvmsg, read and readv: of a socket, or of what wakes the program up
  sends,         // send, sendto, sendmsg
  writes,        // write and writev: to what wakes the program up, or to a file; to a socket where a program does so
  polls,         // epoll_wait and its like: how often the program asked what is ready
  poll_changes,  // epoll_ctl
  locks,         // pthread_mutex_lock
  allocations,   // malloc, calloc, realloc and what asks for an alignment, hence operator new too
  calls_count
};

using Counts = std::array<std::atomic<std::uint64_t>, calls_count>;

// Before the file is there, and where there is none, what is counted goes nowhere.
constinit Counts nowhere{};
constinit std::atomic<Counts*> counts{&nowhere};

void count(Call call) {
  (*counts.load(std::memory_order_relaxed))[call].fetch_add(1, std::memory_order_relaxed);
}

[[gnu::constructor]] void open_counts() {
  const char* const name = std::getenv("RESTANTE_CALLS");
  if (name == nullptr) {
    return;
  }
  const int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(Counts)) != 0) {
    std::abort();
  }
  void* const memory = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) {
    std::abort();
  }
  counts = static_cast<Counts*>(memory);
}

template <class... Arguments>
long counted(Call call, long number, Arguments... arguments) {
  count(call);
  return syscall(number, arguments...);
}

}  // namespace

extern "C" {

ssize_t recv(int descriptor, void* bytes, std::size_t size, int flags) {
  return counted(receives, SYS_recvfrom, descriptor, bytes, size, flags, nullptr, nullptr);
}
ssize_t recvfrom(int descriptor, void* bytes, std::size_t size, int flags, sockaddr* from, socklen_t* from_size) {
  return counted(receives, SYS_recvfrom, descriptor, bytes, size, flags, from, from_size);
}
ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
  return counted(receives, SYS_recvmsg, descriptor, message, flags);
}
ssize_t read(int descriptor, void* bytes, std::size_t size) {
  return counted(receives, SYS_read, descriptor, bytes, size);
}
ssize_t readv(int descriptor, const iovec* buffers, int buffers_count) {
  return counted(receives, SYS_readv, descriptor, buffers, buffers_count);
}

ssize_t send(int descriptor, const void* bytes, std::size_t size, int flags) {
  return counted(sends, SYS_sendto, descriptor, bytes, size, flags, nullptr, 0);
}
ssize_t sendto(int descriptor, const void* bytes, std::size_t size, int flags, const sockaddr* to, socklen_t to_size) {
  return counted(sends, SYS_sendto, descriptor, bytes, size, flags, to, to_size);
}
ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  return counted(sends, SYS_sendmsg, descriptor, message, flags);
}
ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  return counted(writes, SYS_write, descriptor, bytes, size);
}
ssize_t writev(int descriptor, const iovec* buffers, int buffers_count) {
  return counted(writes, SYS_writev, descriptor, buffers, buffers_count);
}

int epoll_wait(int descriptor, epoll_event* events, int events_max, int milliseconds) {
  return static_cast<int>(
      counted(polls, SYS_epoll_pwait, descriptor, events, events_max, milliseconds, nullptr, std::size_t{8}));
}
int epoll_pwait(int descriptor, epoll_event* events, int events_max, int milliseconds, const sigset_t* mask) {
  return static_cast<int>(
      counted(polls, SYS_epoll_pwait, descriptor, events, events_max, milliseconds, mask, std::size_t{8}));
}
int epoll_pwait2(int descriptor, epoll_event* events, int events_max, const timespec* time, const sigset_t* mask) {
  return static_cast<int>(counted(polls, SYS_epoll_pwait2, descriptor, events, events_max, time, mask, std::size_t{8}));
}
int epoll_ctl(int descriptor, int operation, int about, epoll_event* event) noexcept {
  return static_cast<int>(counted(poll_changes, SYS_epoll_ctl, descriptor, operation, about, event));
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  count(locks);
  return __pthread_mutex_lock(mutex);
}

void* malloc(std::size_t bytes) {
  count(allocations);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t items, std::size_t bytes) {
  count(allocations);
  return __libc_calloc(items, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  count(allocations);
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  count(allocations);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) noexcept {
  count(allocations);
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
}
