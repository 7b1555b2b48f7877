#pragma once
// One page of a long list, the same on every route that pages by `limit` and `cursor`. Pure.
//   CO_TRY_ASSIGN(const ListPage page, read_page(call->query)); load page.rows() rows behind page.after; then
//   co_return list_answer(std::move(rows), page, show, key);
#include <boost/json.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/cursor.h"
#include "api/query.h"
#include "api/route.h"
#include "api/views.h"

namespace paastech::api {

struct ListPage {
  std::string after = {};  // the key of the last item answered before; empty: from the beginning
  int limit = 50;
  int rows() const { return limit + 1; }  // to load: one more than is answered says whether there are more
};

// kInvalidArgument: a limit outside 1 to 100 (openapi.yaml, parameters/limit), or a cursor that is none of ours.
inline Result<ListPage> read_page(const Query& query) {
  ListPage page;
  TRY_ASSIGN(const std::int64_t limit, query.number("limit", page.limit, 1, 100));
  page.limit = static_cast<int>(limit);
  if (query.has("cursor")) {
    TRY_ASSIGN(page.after, read_cursor(query.text("cursor")));
  }
  return page;
}

// What a page shows. Its values lie in one piece of memory, which goes at once; one by one each would pay for itself.
struct ListItems {
  boost::json::array list;
  std::string next = {};  // the cursor of the next page; empty: this is the last
};

// show(row), or show(row, memory) where it is made there, is the item's JSON, key(row) its place in the order.
template <class Row, class Show, class Key>
ListItems list_items(std::vector<Row> rows, const ListPage& page, Show show, Key key) {
  const bool more = rows.size() > static_cast<std::size_t>(page.limit);
  if (more) rows.pop_back();
  const auto memory = boost::json::make_shared_resource<boost::json::monotonic_resource>(16 << 10);
  ListItems out{boost::json::array(memory)};
  for (const Row& row : rows) {
    if constexpr (std::is_invocable_v<Show, const Row&, boost::json::storage_ptr>)
      out.list.push_back(show(row, memory));
    else
      out.list.push_back(show(row));
  }
  if (more) out.next = make_cursor(key(rows.back()));
  return out;
}

inline Answer list_answer(ListItems page) {
  boost::json::object out = items(std::move(page.list));
  if (!page.next.empty()) out["next"] = page.next;
  return json_answer(200, out);
}

template <class Row, class Show, class Key>
Answer list_answer(std::vector<Row> rows, const ListPage& page, Show show, Key key) {
  return list_answer(list_items(std::move(rows), page, show, key));
}

}  // namespace paastech::api
