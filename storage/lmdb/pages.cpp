#include "storage/lmdb/pages.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/bytes.hpp"
#include "base/files.hpp"

namespace windrow::storage::lmdb {

namespace {

constexpr std::uint64_t no_page = ~std::uint64_t{0};
constexpr std::size_t page_header = 16;
constexpr std::size_t node_header = 8;
constexpr std::size_t table_record = 48;
constexpr std::uint16_t branch = 1, leaf = 2, overflow = 4, meta = 8;
constexpr std::uint16_t big_value = 1, sub_table = 2;
constexpr std::uint16_t integer_keys = 8;  ///< of the list of free pages; other trees have no flags
constexpr std::size_t depth_max = 32;      ///< LMDB's own limit
constexpr std::uint64_t unwritten_bytes_max = std::uint64_t{1} << 30;

/// LMDB's record of one tree.
struct tree {
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;
  std::uint64_t root = no_page;
};

tree read_tree(bytes record) {
  byte_reader in(record);
  in.number<std::uint32_t>();
  tree t;
  t.flags = in.number<std::uint16_t>();
  t.depth = in.number<std::uint16_t>();
  t.branch_pages = in.number<std::uint64_t>();
  t.leaf_pages = in.number<std::uint64_t>();
  t.overflow_pages = in.number<std::uint64_t>();
  t.entries = in.number<std::uint64_t>();
  t.root = in.number<std::uint64_t>();
  return t;
}

struct meta_page {
  std::uint32_t page_bytes = 0;
  tree free_list, main;
  std::uint64_t last_page = 0, transaction = 0;
};

template <class Integer>
Integer number_at(bytes page, std::size_t offset) {
  return byte_reader(page.subspan(offset)).number<Integer>();
}

/// The page that an entry of a branch page refers to.
std::uint64_t child_at(bytes page, std::size_t offset) {
  return number_at<std::uint16_t>(page, offset) |
         std::uint64_t{number_at<std::uint16_t>(page, offset + 2)} << 16 |
         std::uint64_t{number_at<std::uint16_t>(page, offset + 4)} << 32;
}

class checker {
public:
  checker(const std::string& name, int file) : name_(name), file_(file) {}

  result<page_report> run(std::optional<std::uint64_t> transaction);
  result<std::uint64_t> newest();

private:
  failure damaged(std::uint64_t page, const std::string& what) const {
    return {errc::corrupt, name_ + " is damaged: page " + std::to_string(page) + " " + what +
                               ". Restore the data folder from a copy, or start a new one from "
                               "the sources."};
  }
  result<void> look();
  result<void> read_at(std::uint64_t offset, std::size_t count, byte_buffer& into) const;
  result<meta_page> read_meta(std::uint64_t number);
  result<void> choose_meta(std::optional<std::uint64_t> transaction);
  /// Walks a tree. `tables` says that its values name further trees (the main one).
  enum class values { plain, tables, free_pages };
  result<void> walk(const tree& t, values kind);
  result<void> visit(const tree& t, std::uint64_t page, std::size_t level, values kind);
  result<void> visit_node(std::uint64_t page, bytes content, std::size_t offset, values kind);
  /// Nodes lie side by side from `upper` to the page's end, so each is inside the page: with a
  /// wrong size LMDB would move other bytes than a node's when it takes one out.
  bool is_packed(bytes page, std::size_t nodes, bool is_leaf);
  /// Each commit lists the pages it gave up under its own number: the meta page's.
  result<void> check_number(std::uint64_t page, const meta_page& m);
  /// The list of free pages is keyed by transaction, as native integers.
  static bool in_order(bytes a, bytes b, values kind) {
    if (kind == values::free_pages)
      return byte_reader(a).number<std::uint64_t>() < byte_reader(b).number<std::uint64_t>();
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
  result<void> claim(std::uint64_t page, std::uint64_t count, std::uint64_t from);
  result<void> read_overflow(std::uint64_t from, std::uint64_t first, std::uint64_t length,
                             byte_buffer* value);
  result<void> free_pages(std::uint64_t page, bytes list);

  std::string name_;
  int file_;
  std::uint64_t file_bytes_ = 0;
  meta_page meta_;
  std::vector<std::uint8_t> seen_;                            ///< one a page: 1 in use, 2 free
  std::vector<tree> found_;                                   ///< trees named in the main one
  tree counted_;                                              ///< what the walk of one tree found
  byte_buffer last_key_;                                      ///< of the leaves so far
  std::vector<std::pair<std::uint16_t, std::size_t>> nodes_;  ///< offset, size; of one page
  byte_buffer least_key_;  ///< separates what comes from what was before; empty: nothing
  std::uint64_t checked_ = 0;
};

result<void> checker::read_at(std::uint64_t offset, std::size_t count, byte_buffer& into) const {
  into.resize(count);
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got =
        ::pread(file_, into.data() + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(name_, "read", errno);
    if (got == 0)
      return failure{errc::corrupt,
                     name_ + " is cut short: it has " + std::to_string(file_bytes_) +
                         " bytes and data in use lies beyond. Restore the data folder from a "
                         "copy, or start a new one from the sources."};
    done += static_cast<std::size_t>(got);
  }
  return {};
}

result<meta_page> checker::read_meta(std::uint64_t number) {
  byte_buffer page;
  const std::uint64_t offset = number * meta_.page_bytes;
  if (auto got = read_at(offset, 256, page); !got) return got.error();
  if (number_at<std::uint32_t>(page, 16) != 0xBEEFC0DE || number_at<std::uint32_t>(page, 20) != 1)
    return failure{errc::corrupt, name_ + " is not an LMDB file that windrow wrote (page " +
                                      std::to_string(number) + " has no such mark)."};
  if (number_at<std::uint64_t>(page, 0) != number || number_at<std::uint16_t>(page, 10) != meta)
    return damaged(number, "is not the meta page it should be");
  meta_page m;
  m.page_bytes = number_at<std::uint32_t>(page, 40);
  m.free_list = read_tree(bytes(page).subspan(40, table_record));
  m.main = read_tree(bytes(page).subspan(40 + table_record, table_record));
  m.last_page = number_at<std::uint64_t>(page, 40 + 2 * table_record);
  m.transaction = number_at<std::uint64_t>(page, 48 + 2 * table_record);
  if (m.page_bytes < 512 || m.page_bytes > 32768 || (m.page_bytes & (m.page_bytes - 1)) != 0)
    return damaged(number, "gives an impossible page size");
  if (m.transaction != 0 && (m.transaction & 1) != number)
    return damaged(number, "carries a transaction number that belongs on the other meta page");
  if (m.free_list.flags != integer_keys || m.main.flags != 0)
    return damaged(number, "has tables of an unknown kind");
  if (m.last_page < 1 || m.last_page > (std::uint64_t{1} << 47) / m.page_bytes)
    return damaged(number, "gives an impossible file size");
  return m;
}

result<void> checker::choose_meta(std::optional<std::uint64_t> transaction) {
  auto first = read_meta(0);
  if (!first) return first.error();
  meta_.page_bytes = first->page_bytes;
  auto second = read_meta(1);
  if (!second) return second.error();
  const std::uint64_t a = first->transaction, b = second->transaction;
  if (first->page_bytes != second->page_bytes)
    return damaged(1, "gives another page size than page 0");
  // Commits alternate between the two pages, so their numbers are neighbours.
  if (!transaction && !(a == b ? a == 0 : (a > b ? a - b : b - a) == 1))
    return damaged(a > b ? 0 : 1, "carries a transaction number that does not follow the other's");
  if (transaction && a != *transaction && b != *transaction)
    return failure{errc::busy, name_ + " is being written."};
  const bool take_second = transaction ? b == *transaction : b > a;
  meta_ = take_second ? *second : *first;
  // The other one may be what LMDB leaves of a commit that the disk refused: old number, new trees.
  return check_number(take_second ? 1 : 0, meta_);
}

result<void> checker::check_number(std::uint64_t page, const meta_page& m) {
  std::uint64_t newest = 0, at = m.free_list.root;
  byte_buffer content;
  for (std::size_t level = 1; at != no_page && level <= m.free_list.depth; ++level) {
    if (at < 2 || at > m.last_page || level > depth_max)
      return damaged(page, "refers to page " + std::to_string(at) + ", which does not exist");
    if (auto got = read_at(at * m.page_bytes, m.page_bytes, content); !got) return got;
    const auto lower = number_at<std::uint16_t>(content, 12);
    const auto upper = number_at<std::uint16_t>(content, 14);
    const bool is_leaf = level == m.free_list.depth;
    if (number_at<std::uint64_t>(content, 0) != at ||
        number_at<std::uint16_t>(content, 10) != (is_leaf ? leaf : branch) ||
        lower < page_header + 2 || lower > upper || upper > content.size())
      return damaged(at, "is not the page that should be there");
    const auto last = number_at<std::uint16_t>(content, lower - 2U);
    if (last + node_header + 8 > content.size())
      return damaged(at, "has an entry outside its bounds");
    if (is_leaf) {
      newest = number_at<std::uint64_t>(content, last + node_header);
    } else {
      at = child_at(content, last);
    }
  }
  // The first commit may give up nothing.
  if (newest == m.transaction || (newest == 0 && m.transaction <= 1)) return {};
  return damaged(page, "carries the transaction number " + std::to_string(m.transaction) +
                           ", and its newest free pages are of " + std::to_string(newest));
}

result<void> checker::look() {
  struct stat info {};
  if (::fstat(file_, &info) != 0) return system_failure(name_, "stat", errno);
  if (!S_ISREG(info.st_mode)) return failure{errc::corrupt, name_ + " is not a regular file."};
  file_bytes_ = static_cast<std::uint64_t>(info.st_size);
  if (file_bytes_ == 0)
    return failure{errc::corrupt, name_ +
                                      " is empty where stored data should be. Restore the "
                                      "data folder from a copy, or start a new one from the "
                                      "sources."};
  return {};
}

result<std::uint64_t> checker::newest() {
  if (auto looked = look(); !looked) return looked.error();
  if (auto chosen = choose_meta(std::nullopt); !chosen) return chosen.error();
  return meta_.transaction;
}

result<page_report> checker::run(std::optional<std::uint64_t> transaction) {
  if (auto looked = look(); !looked) return looked.error();
  if (auto chosen = choose_meta(transaction); !chosen) return chosen.error();
  // One transaction's unwritten pages at the end are normal (see `environment::open`); more are
  // not.
  if ((meta_.last_page + 1) * meta_.page_bytes > file_bytes_ + unwritten_bytes_max)
    return failure{errc::corrupt,
                   name_ + " is cut short: it has " + std::to_string(file_bytes_) + " of " +
                       std::to_string((meta_.last_page + 1) * meta_.page_bytes) +
                       " bytes. Restore the data folder from a copy, or start a new one from the "
                       "sources."};
  seen_.assign(meta_.last_page + 1, 0);
  if (auto main = walk(meta_.main, values::tables); !main) return main.error();
  const std::vector<tree> tables = found_;
  for (const tree& t : tables)
    if (auto walked = walk(t, values::plain); !walked) return walked.error();
  if (auto walked = walk(meta_.free_list, values::free_pages); !walked) return walked.error();
  page_report report;
  report.transaction = meta_.transaction;
  report.page_bytes = meta_.page_bytes;
  report.needed_bytes = (meta_.last_page + 1) * meta_.page_bytes;
  report.file_bytes = file_bytes_;
  report.pages_checked = checked_;
  return report;
}

result<void> checker::claim(std::uint64_t page, std::uint64_t count, std::uint64_t from) {
  if (page < 2 || page > meta_.last_page || count > meta_.last_page + 1 - page)
    return damaged(from, "refers to page " + std::to_string(page) + ", which does not exist");
  for (std::uint64_t i = page; i < page + count; ++i) {
    if (seen_[i] != 0) return damaged(i, "is used for two things at once");
    seen_[i] = 1;
  }
  checked_ += count;
  return {};
}

result<void> checker::walk(const tree& t, values kind) {
  counted_ = {};
  last_key_.clear();
  least_key_.clear();
  if (t.root == no_page) {
    if (t.entries != 0 || t.depth != 0 || t.branch_pages != 0 || t.leaf_pages != 0 ||
        t.overflow_pages != 0)
      return damaged(meta_.transaction & 1, "has lost a table");
    return {};
  }
  if (t.depth == 0 || t.depth > depth_max)
    return damaged(t.root, "is the root of a table with an impossible depth");
  if (auto visited = visit(t, t.root, 1, kind); !visited) return visited;
  if (counted_.branch_pages != t.branch_pages || counted_.leaf_pages != t.leaf_pages ||
      counted_.overflow_pages != t.overflow_pages || counted_.entries != t.entries)
    return damaged(t.root, "is the root of a table that holds other counts than recorded");
  return {};
}

result<void> checker::visit(const tree& t, std::uint64_t number, std::size_t level, values kind) {
  if (auto ours = claim(number, 1, number); !ours) return ours;
  byte_buffer page;
  if (auto got = read_at(number * meta_.page_bytes, meta_.page_bytes, page); !got) return got;
  const auto flags = number_at<std::uint16_t>(page, 10);
  const auto lower = number_at<std::uint16_t>(page, 12);
  const auto upper = number_at<std::uint16_t>(page, 14);
  const bool is_leaf = level == t.depth;
  if (number_at<std::uint64_t>(page, 0) != number || flags != (is_leaf ? leaf : branch))
    return damaged(number, "is not the page that should be there");
  if (lower < page_header || lower > upper || upper > page.size() || lower % 2 != 0)
    return damaged(number, "has impossible bounds");
  const std::size_t nodes = (lower - page_header) / 2;
  if (nodes == 0) return damaged(number, "has no entries");
  if (!is_packed(page, nodes, is_leaf)) return damaged(number, "has entries of impossible sizes");
  (is_leaf ? counted_.leaf_pages : counted_.branch_pages) += 1;
  for (std::size_t i = 0; i < nodes; ++i) {
    const auto offset = number_at<std::uint16_t>(page, page_header + 2 * i);
    const auto key_bytes = number_at<std::uint16_t>(page, offset + 6U);
    const bytes key = bytes(page).subspan(offset + node_header, key_bytes);
    if (!is_leaf) {
      // A lookup goes by the separators and a scan does not: with a wrong one a lookup finds
      // nothing if there is something. LMDB does not look at the first of a page.
      if (i > 0) {
        if (!in_order(last_key_, key, kind))
          return damaged(number, "has a separator below a key before it");
        least_key_.assign(key.begin(), key.end());
      }
      if (auto below = visit(t, child_at(page, offset), level + 1, kind); !below) return below;
      continue;
    }
    if (counted_.entries > 0 && !in_order(last_key_, key, kind))
      return damaged(number, "has keys out of order");
    if (!least_key_.empty() && in_order(key, least_key_, kind))
      return damaged(number, "has a key below its separator");
    last_key_.assign(key.begin(), key.end());
    counted_.entries += 1;
    if (auto seen = visit_node(number, page, offset, kind); !seen) return seen;
  }
  return {};
}

bool checker::is_packed(bytes page, std::size_t nodes, bool is_leaf) {
  nodes_.clear();
  for (std::size_t i = 0; i < nodes; ++i) {
    const auto offset = number_at<std::uint16_t>(page, page_header + 2 * i);
    if (offset + node_header > page.size()) return false;
    const auto flags = number_at<std::uint16_t>(page, offset + 4U);
    std::size_t size = node_header + number_at<std::uint16_t>(page, offset + 6U);
    if (is_leaf) size += (flags & big_value) != 0 ? 8 : number_at<std::uint32_t>(page, offset);
    nodes_.emplace_back(offset, size + size % 2);
  }
  std::sort(nodes_.begin(), nodes_.end());
  std::size_t end = number_at<std::uint16_t>(page, 14);
  for (const auto& [offset, size] : nodes_) {
    if (offset != end) return false;
    end += size;
  }
  return end == page.size();
}

result<void> checker::visit_node(std::uint64_t number, bytes page, std::size_t offset,
                                 values kind) {
  const auto length = number_at<std::uint32_t>(page, offset);
  const auto flags = number_at<std::uint16_t>(page, offset + 4);
  const std::size_t start = offset + node_header + number_at<std::uint16_t>(page, offset + 6);
  const std::size_t stored = (flags & big_value) != 0 ? 8 : length;
  bytes value = page.subspan(start, stored);
  if ((flags & ~(big_value | sub_table)) != 0 ||
      ((flags & sub_table) != 0) != (kind == values::tables))
    return damaged(number, "has an entry of an unknown kind");
  byte_buffer large;
  if ((flags & big_value) != 0) {
    const bool keep = kind == values::free_pages;
    auto got =
        read_overflow(number, number_at<std::uint64_t>(value, 0), length, keep ? &large : nullptr);
    if (!got) return got;
    value = large;
  }
  if (kind == values::free_pages) {
    const bytes key = page.subspan(offset + node_header, start - offset - node_header);
    const auto from = key.size() == 8 ? number_at<std::uint64_t>(key, 0) : 0;
    if (from == 0 || from > meta_.transaction)
      return damaged(number, "lists free pages of an impossible transaction");
    return free_pages(number, value);
  }
  if (kind != values::tables) return {};
  if (value.size() != table_record) return damaged(number, "has a table record of a wrong size");
  const tree named = read_tree(value);
  if (named.flags != 0) return damaged(number, "has a table of an unknown kind");
  found_.push_back(named);
  return {};
}

result<void> checker::read_overflow(std::uint64_t from, std::uint64_t first, std::uint64_t length,
                                    byte_buffer* value) {
  const std::uint64_t needed = (page_header + length + meta_.page_bytes - 1) / meta_.page_bytes;
  if (first < 2 || first > meta_.last_page)
    return damaged(from, "refers to page " + std::to_string(first) + ", which does not exist");
  byte_buffer head;
  if (auto got = read_at(first * meta_.page_bytes, page_header, head); !got) return got;
  // A value that became shorter keeps the pages it had.
  const auto pages = number_at<std::uint32_t>(head, 12);
  if (number_at<std::uint64_t>(head, 0) != first ||
      number_at<std::uint16_t>(head, 10) != overflow || pages < needed)
    return damaged(first, "is not the large value that should be there");
  if (auto ours = claim(first, pages, from); !ours) return ours;
  counted_.overflow_pages += pages;
  const std::uint64_t begin = first * meta_.page_bytes + page_header;
  if (value != nullptr) return read_at(begin, length, *value);
  return read_at(begin + length - 1, 1, head);  // its last byte is inside the file
}

result<void> checker::free_pages(std::uint64_t number, bytes list) {
  const std::uint64_t count = list.size() >= 8 ? number_at<std::uint64_t>(list, 0) : no_page;
  if (count >= list.size() / 8) return damaged(number, "has a damaged list of free pages");
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto page = number_at<std::uint64_t>(list, 8 + 8 * i);
    if (page < 2 || page > meta_.last_page)
      return damaged(number, "lists a free page that does not exist");
    if (seen_[page] != 0) return damaged(page, "is both in use and free, or free twice");
    seen_[page] = 2;
  }
  return {};
}

}  // namespace

namespace {

/// Opens a data file and asks a checker about it.
template <class Ask>
auto ask(const std::string& data_file, Ask question)
    -> decltype(question(std::declval<checker&>())) {
  const file_handle file(::open(data_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) {
    if (errno == ENOENT)
      return failure{errc::corrupt, data_file +
                                        " is missing where stored data should be. Restore "
                                        "the data folder from a copy, or start a new one "
                                        "from the sources."};
    return system_failure(data_file, "open", errno);
  }
  checker asked(data_file, file.get());
  return question(asked);
}

}  // namespace

result<page_report> check_pages(const std::string& data_file,
                                std::optional<std::uint64_t> transaction) {
  return ask(data_file, [&](checker& c) { return c.run(transaction); });
}

result<std::uint64_t> newest_transaction(const std::string& data_file) {
  return ask(data_file, [](checker& c) { return c.newest(); });
}

}  // namespace windrow::storage::lmdb
