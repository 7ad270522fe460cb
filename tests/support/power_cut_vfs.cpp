#include "support/power_cut_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <utility>

namespace restante::test {

// A file of ours, behind which lies the one of the usual VFS.
struct PowerCutFile {
  sqlite3_file base;
  PowerCutVfs* disk;
  std::string* path;

  static PowerCutFile& of(sqlite3_file* file) { return *reinterpret_cast<PowerCutFile*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&of(file) + 1); }

  static int close(sqlite3_file* file) {
    const int result = real(file)->pMethods->xClose(real(file));
    delete of(file).path;
    return result;
  }
  static int read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
    if (const int result = of(file).disk->begin(PowerCutVfs::Call::read)) {
      return result;
    }
    return real(file)->pMethods->xRead(real(file), to, count, offset);
  }
  static int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
    if (const int result = of(file).disk->begin(PowerCutVfs::Call::write)) {
      return result;
    }
    of(file).disk->changed(*of(file).path,
                           {static_cast<std::uint64_t>(offset),
                            std::string{static_cast<const char*>(from), static_cast<std::size_t>(count)}});
    return real(file)->pMethods->xWrite(real(file), from, count, offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (const int result = of(file).disk->begin(PowerCutVfs::Call::truncate)) {
      return result;
    }
    of(file).disk->changed(*of(file).path, {static_cast<std::uint64_t>(size), std::nullopt});
    return real(file)->pMethods->xTruncate(real(file), size);
  }
  static int sync(sqlite3_file* file, int) {
    if (const int result = of(file).disk->begin(PowerCutVfs::Call::sync)) {
      of(file).disk->sync_failed(*of(file).path);
      return result;
    }
    of(file).disk->synced(*of(file).path);
    return SQLITE_OK;
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return real(file)->pMethods->xFileSize(real(file), size);
  }
  static int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
  static int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
  static int is_reserved(sqlite3_file* file, int* result) {
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    // The usual VFS would make a file longer without a write that could be seen.
    return operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE
               ? SQLITE_NOTFOUND
               : real(file)->pMethods->xFileControl(real(file), operation, argument);
  }
  static int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
  static int characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
  static int map(sqlite3_file* file, int page, int size, int extend, void volatile** to) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, to);
  }
  static int lock_map(sqlite3_file* file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
  }
  static void barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
  static int unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

  static constexpr sqlite3_io_methods methods() {
    sqlite3_io_methods methods{};
    methods.iVersion = 2;
    methods.xClose = close;
    methods.xRead = read;
    methods.xWrite = write;
    methods.xTruncate = truncate;
    methods.xSync = sync;
    methods.xFileSize = file_size;
    methods.xLock = lock;
    methods.xUnlock = unlock;
    methods.xCheckReservedLock = is_reserved;
    methods.xFileControl = control;
    methods.xSectorSize = sector_size;
    methods.xDeviceCharacteristics = characteristics;
    methods.xShmMap = map;
    methods.xShmLock = lock_map;
    methods.xShmBarrier = barrier;
    methods.xShmUnmap = unmap;
    return methods;
  }
};

// What the VFS itself is asked.
struct PowerCutCalls {
  static PowerCutVfs& disk(sqlite3_vfs* vfs) { return *static_cast<PowerCutVfs*>(vfs->pAppData); }
  static sqlite3_vfs* usual() {
    static sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
    return vfs;
  }

  static int open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* flags_given) {
    static constexpr sqlite3_io_methods methods = PowerCutFile::methods();
    PowerCutVfs& disk = PowerCutCalls::disk(vfs);
    PowerCutFile& ours = PowerCutFile::of(file);
    ours = {};
    if (path == nullptr) {
      return usual()->xOpen(usual(), path, file, flags, flags_given);
    }
    if (const int result = disk.begin(PowerCutVfs::Call::open)) {
      return result;
    }
    int existed = 0;
    usual()->xAccess(usual(), path, SQLITE_ACCESS_EXISTS, &existed);
    const int result = usual()->xOpen(usual(), path, PowerCutFile::real(file), flags, flags_given);
    if (result == SQLITE_OK) {
      ours.base.pMethods = &methods;
      ours.disk = &disk;
      ours.path = new std::string{path};
      disk.opened(path, existed != 0);
    }
    return result;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int sync) {
    if (const int result = disk(vfs).begin(PowerCutVfs::Call::remove)) {
      return result;
    }
    const int result = usual()->xDelete(usual(), path, 0);
    if (result == SQLITE_OK) {
      disk(vfs).removed(path, sync != 0);
    }
    return result;
  }
};

PowerCutVfs::PowerCutVfs() : vfs_{std::make_unique<sqlite3_vfs>(*PowerCutCalls::usual())} {
  static std::atomic<int> disks = 0;
  name_ = "power-cut-" + std::to_string(++disks);
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->pNext = nullptr;
  vfs_->szOsFile += static_cast<int>(sizeof(PowerCutFile));
  vfs_->xOpen = PowerCutCalls::open;
  vfs_->xDelete = PowerCutCalls::remove;
  sqlite3_vfs_register(vfs_.get(), 0);
}

PowerCutVfs::~PowerCutVfs() {
  sqlite3_vfs_unregister(vfs_.get());
}

void PowerCutVfs::apply(std::string& bytes, const Change& change, Cut cut, Random& random) {
  constexpr std::uint64_t sector = 512;
  if (!change.bytes) {
    if (cut == Cut::keep || random.below(2) == 0) {
      bytes.resize(change.offset);
    }
    return;
  }
  const std::uint64_t end = change.offset + change.bytes->size();
  for (std::uint64_t begin = change.offset; begin < end;) {
    const std::uint64_t next = std::min(end, (begin / sector + 1) * sector);
    if (cut == Cut::keep || random.below(2) == 0) {
      bytes.resize(std::max<std::uint64_t>(bytes.size(), next));
      std::memcpy(bytes.data() + begin, change.bytes->data() + (begin - change.offset), next - begin);
    }
    begin = next;
  }
}

PowerCutVfs::Files PowerCutVfs::after_cut(const std::filesystem::path& path, Cut cut, Random& random) const {
  const std::lock_guard guard{mutex_};
  Files files;
  for (const auto& [name, file] : files_) {
    if (!name.starts_with(path.string())) {
      continue;
    }
    const bool chance = cut == Cut::tear && random.below(2) == 0;
    const bool is_there = file.removed ? cut == Cut::lose || chance : file.is_there || cut == Cut::keep || chance;
    if (is_there) {
      std::string& bytes = files[name.substr(path.string().size())] = file.synced;
      for (const Change& change : file.unsynced) {
        if (cut != Cut::lose) {
          apply(bytes, change, cut, random);
        }
      }
    }
  }
  return files;
}

int PowerCutVfs::begin(Call call) {
  const bool is_step = call != Call::read && call != Call::open;
  if (is_step && before_step) {
    before_step();
  }
  std::unique_lock lock{mutex_};
  if (is_step && holds_ != 0) {
    ++waiting_;
    held_changed_.notify_all();
    held_changed_.wait(lock, [this] { return holds_ == 0; });
    --waiting_;
  }
  if (calls_++ == fail_at_) {
    failed_ = call;
    switch (fail_result_ == SQLITE_FULL && call != Call::write ? SQLITE_IOERR : fail_result_) {
      case SQLITE_IOERR:
        return call == Call::open       ? SQLITE_CANTOPEN
               : call == Call::read     ? SQLITE_IOERR_READ
               : call == Call::write    ? SQLITE_IOERR_WRITE
               : call == Call::truncate ? SQLITE_IOERR_TRUNCATE
               : call == Call::sync     ? SQLITE_IOERR_FSYNC
                                        : SQLITE_IOERR_DELETE;
      default:
        return fail_result_;
    }
  }
  return is_step && call != Call::remove && fail_all_of_.value_or(call) == call ? fail_all_ : 0;
}

std::uint64_t PowerCutVfs::calls() const {
  const std::lock_guard guard{mutex_};
  return calls_;
}

void PowerCutVfs::fail_at(std::uint64_t call, int result) {
  const std::lock_guard guard{mutex_};
  fail_at_ = call;
  fail_result_ = result;
  failed_.reset();
}

std::uint64_t PowerCutVfs::syncs() const {
  const std::lock_guard guard{mutex_};
  return syncs_;
}

void PowerCutVfs::fail_all(int result, std::optional<Call> kind) {
  const std::lock_guard guard{mutex_};
  fail_all_ = result;
  fail_all_of_ = kind;
}

std::optional<PowerCutVfs::Call> PowerCutVfs::failed() const {
  const std::lock_guard guard{mutex_};
  return failed_;
}

void PowerCutVfs::opened(const std::string& path, bool existed) {
  const std::lock_guard guard{mutex_};
  const auto [entry, is_new] = files_.try_emplace(path);
  File& file = entry->second;
  if (!existed) {
    // One of the same name may have been removed, and come back in its place: as if it had been cut to nothing.
    file.is_fresh = true;
    file.removed = false;
    file.unsynced.push_back({0, std::nullopt});
  } else if (is_new) {
    // What was there before anybody looked is as durable as it will be.
    file.is_there = true;
    file.synced.resize(std::filesystem::file_size(path));
    if (std::FILE* const source = std::fopen(path.c_str(), "rb")) {
      file.synced.resize(std::fread(file.synced.data(), 1, file.synced.size(), source));
      std::fclose(source);
    }
  }
}

void PowerCutVfs::changed(const std::string& path, Change change) {
  const std::lock_guard guard{mutex_};
  files_[path].unsynced.push_back(std::move(change));
}

void PowerCutVfs::synced(const std::string& path) {
  const std::lock_guard guard{mutex_};
  ++syncs_;
  File& file = files_[path];
  Random none{0};
  for (const Change& change : std::exchange(file.unsynced, {})) {
    apply(file.synced, change, Cut::keep, none);
  }
  file.is_there = true;
  if (std::exchange(file.is_fresh, false) && (path.ends_with("-wal") || path.ends_with("-journal"))) {
    // The usual VFS syncs the folder with a new log, and so what became of other files in it.
    std::erase_if(files_, [](const auto& entry) { return entry.second.removed; });
  }
}

void PowerCutVfs::sync_failed(const std::string& path) {
  const std::lock_guard guard{mutex_};
  File& file = files_[path];
  for (const Change& change : std::exchange(file.unsynced, {})) {
    if (left_by_failed_sync != Cut::lose) {
      apply(file.synced, change, left_by_failed_sync, random_);
    }
  }
}

void PowerCutVfs::removed(const std::string& path, bool synced) {
  const std::lock_guard guard{mutex_};
  if (synced || !files_[path].is_there) {
    files_.erase(path);
  } else {
    files_[path].removed = true;
  }
}

PowerCutVfs::Hold::Hold(PowerCutVfs& disk) : disk_{disk} {
  const std::lock_guard guard{disk_.mutex_};
  ++disk_.holds_;
}

PowerCutVfs::Hold::~Hold() {
  const std::lock_guard guard{disk_.mutex_};
  --disk_.holds_;
  disk_.held_changed_.notify_all();
}

void PowerCutVfs::Hold::wait_for_step() const {
  std::unique_lock lock{disk_.mutex_};
  disk_.held_changed_.wait(lock, [this] { return disk_.waiting_ != 0; });
}

}  // namespace restante::test
