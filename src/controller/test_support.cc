#include "controller/test_support.h"

#include "store/scales.h"

namespace paastech::controller {

ControllerTest::ControllerTest() {
  owner_ = database_.add_client("ada");
  project_ = database_.add_project("shop", owner_.id);
  Result<std::unique_ptr<rpc::Host>> host = rpc::Host::start({&engine_, &repositories_, &router_}, "");
  if (!host) throw std::runtime_error(host.error().message);
  host_ = std::move(*host);
  pomegranate_stub_ = engine::Pomegranate::NewStub(host_->channel());
  repositories_stub_ = repos::Repositories::NewStub(host_->channel());
  router_stub_ = router::Router::NewStub(host_->channel());
}

ControllerTest::~ControllerTest() {
  stop_process();
  host_->stop();
}

void ControllerTest::start_process() {
  make_process();
  process_->controller.start();
}

void ControllerTest::stop_process() {
  if (!process_) return;
  process_->tasks.cancel();
  run(all_joined(process_->tasks));
  process_.reset();
}

bool ControllerTest::at_rest() {
  return eventually([&] { return process_->tasks.size() == 5; });
}

void ControllerTest::settle() {
  for (int i = 0; i < 5; ++i) {
    auto look = [](store::Tx& tx) { return store::list_projects(tx, ""); };
    EXPECT_TRUE(run(access_.read(look)));
  }
}

std::int64_t ControllerTest::push() {
  const Result<store::DeploymentRow> row =
      run(controller().deploy_commit(project_.id, owner_.id, std::string(40, 'a')));
  EXPECT_TRUE(row) << row.error().message;
  return row ? row->number : 0;
}

void ControllerTest::go_live() {
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  ASSERT_TRUE(at_rest());
}

std::int64_t ControllerTest::change_environment(const std::string& value) {
  set_variable(value);
  return redeploy();
}

std::int64_t ControllerTest::change_scale(const Scale& scale) {
  const Change work = [project = project_.id, scale](store::Tx& tx) -> Result<bool> {
    TRY(store::set_scale(tx, project, scale));
    return true;
  };
  const Result<Changed> done = run(controller().change(project_.id, owner_.id, DeploymentCause::kScale, work));
  EXPECT_TRUE(done && done->deployment) << (done ? "no deployment" : done.error().message);
  return done && done->deployment ? done->deployment->number : 0;
}

std::int64_t ControllerTest::redeploy(DeploymentCause cause) {
  const Result<store::DeploymentRow> row = run(controller().redeploy(project_.id, owner_.id, cause));
  EXPECT_TRUE(row) << row.error().message;
  return row ? row->number : 0;
}

void ControllerTest::set_variable(const std::string& value) {
  const std::string sealed = secrets_.seal(value, "environment/" + project_.id + "/COLOUR");
  EXPECT_TRUE(
      database_.write([&](store::Tx& tx) { return store::set_environment(tx, project_.id, {"COLOUR", sealed, 1}); }));
}

store::DeploymentRow ControllerTest::end_of(std::int64_t number) {
  const Result<store::DeploymentRow> row = run(controller().wait(project_.id, number));
  EXPECT_TRUE(row) << row.error().message;
  return row.value_or(store::DeploymentRow());
}

std::string ControllerTest::state(std::int64_t number) {
  const auto row = database_.read([&](store::Tx& tx) { return store::find_deployment(tx, project_.id, number); });
  return row ? std::string(to_text(row->state)) : row.error().message;
}

std::int64_t ControllerTest::leave_row(DeploymentCause cause, DeploymentState state, const std::string& image) {
  store::DeploymentRow row;
  row.project_id = project_.id;
  row.actor_id = owner_.id;
  row.cause = cause;
  row.image = image;
  row.commit = std::string(40, 'a');
  row.created_at = clock_.now;
  EXPECT_TRUE(database_.write([&](store::Tx& tx) -> Status {
    TRY(store::insert_deployment(tx, row));
    row.environment =
        secrets_.seal(R"({"COLOUR":"left"})", "deployment/" + project_.id + "/" + std::to_string(row.number));
    TRY(store::set_snapshot(tx, row));
    for (const DeploymentState step :
         {DeploymentState::kQueued, DeploymentState::kBuilding, DeploymentState::kStarting, DeploymentState::kLive}) {
      if (step > state) break;
      row.state = step;
      TRY(store::update_deployment(tx, row));
    }
    return {};
  }));
  return row.number;
}

Result<store::ProjectRow> ControllerTest::stored_project() {
  return database_.read([&](store::Tx& tx) { return store::find_project(tx, project_.id); });
}

std::string ControllerTest::output(std::int64_t number) const {
  std::string text;
  for (const std::string& line : log_.read(project_.id, number)) text += line + "\n";
  return text;
}

net::Task<bool> ControllerTest::all_joined(net::TaskGroup& tasks) {
  co_await tasks.join();
  co_return true;
}

}  // namespace paastech::controller
