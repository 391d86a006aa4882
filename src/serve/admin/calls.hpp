#pragma once

#include "serve/admin/desk.hpp"

// The calls, by concept; each is one row of the table in desk.cpp.
namespace tidelimit::serve {

// state_calls.cpp: what the engine holds now and why
Response get_plan(const DeskContext&, const DeskCall&);
Response get_forecasts(const DeskContext&, const DeskCall&);
Response get_verdicts(const DeskContext&, const DeskCall&);
Response get_client(const DeskContext&, const DeskCall&);
Response get_ready(const DeskContext&, const DeskCall&);
/// What get_ready says where nobody asks for more: for the loops, which never wait.
[[nodiscard]] Response readiness(bool planned, bool stopping);
/// Whether a call of /readyz asks for what is degraded too.
[[nodiscard]] bool wants_verbose(std::string_view target);
Response get_metrics(const DeskContext&, const DeskCall&);

// history_calls.cpp: what was forecast, came and changed
Response get_history(const DeskContext&, const DeskCall&);
Response get_plan_changes(const DeskContext&, const DeskCall&);

// decision_calls.cpp: what was decided, or would have been
Response get_decisions(const DeskContext&, const DeskCall&);
Response get_shadow(const DeskContext&, const DeskCall&);

// override_calls.cpp: what people change
Response list_overrides(const DeskContext&, const DeskCall&);
Response get_override(const DeskContext&, const DeskCall&);
Response put_override(const DeskContext&, const DeskCall&);
Response delete_override(const DeskContext&, const DeskCall&);

// mode_calls.cpp: which parts are enforced, and for whom
Response get_mode(const DeskContext&, const DeskCall&);
Response put_mode(const DeskContext&, const DeskCall&);
Response get_modes(const DeskContext&, const DeskCall&);
Response get_mode_changes(const DeskContext&, const DeskCall&);

// config_calls.cpp: configurations that took effect, and the way back to one
Response list_configs(const DeskContext&, const DeskCall&);
Response get_config(const DeskContext&, const DeskCall&);
Response put_config(const DeskContext&, const DeskCall&);
Response release_config(const DeskContext&, const DeskCall&);

// label_calls.cpp: what people say of clients
Response list_labels(const DeskContext&, const DeskCall&);
Response get_label(const DeskContext&, const DeskCall&);
Response put_label(const DeskContext&, const DeskCall&);
Response delete_label(const DeskContext&, const DeskCall&);

// signal_calls.cpp: load figures that are pushed
Response put_signal(const DeskContext&, const DeskCall&);

// model_calls.cpp: TensorFlow Serving's REST
Response get_model(const DeskContext&, const DeskCall&);
Response get_model_metadata(const DeskContext&, const DeskCall&);
Response refuse_label(const DeskContext&, const DeskCall&);
Response post_predict(const DeskContext&, const DeskCall&);
Response model_error(int status, const std::string& why);

// version_calls.cpp: the models in force and before
Response list_versions(const DeskContext&, const DeskCall&);
Response put_version(const DeskContext&, const DeskCall&);

// page.cpp
Response get_page(const DeskContext&, const DeskCall&);

}  // namespace tidelimit::serve
