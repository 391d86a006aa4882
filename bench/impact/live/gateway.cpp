#include "impact/live/gateway.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

namespace tidelimit::impact {
namespace {

namespace fs = std::filesystem;
using bench::give_up;

constexpr const char* kFrame = R"(daemon off;
{1}worker_processes 1;
pid {0}/nginx.pid;
error_log {0}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
  map_hash_max_size 16384;
  map_hash_bucket_size 128;
  include site.conf;
}}
)";

// nginx alone, with the sites' identity and way to the shop. {3}, {4}, {5}: what limits /payment/,
// /browse/ and /search/.
constexpr const char* kPlainSite = R"(include tidelimit_identity.conf;
set_real_ip_from 127.0.0.0/8;
real_ip_header X-Forwarded-For;
{2}
upstream application {{ server 127.0.0.1:{1}; keepalive 64; }}
server {{
  listen 127.0.0.1:{0};
  access_log off;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  location / {{ proxy_pass http://application; }}
  location /payment/ {{ {3} proxy_pass http://application; }}
  location /browse/ {{ {4} proxy_pass http://application; }}
  location /search/ {{ {5} proxy_pass http://application; }}
}}
)";

// The limits of impact::configuration in nginx's terms: a burst of N there is one request and N - 1
// more here, which pass at once (nodelay). An empty key is not limited.
constexpr const char* kZones =
    R"(map $tidelimit_user $who { "" $remote_addr; default $tidelimit_user; }
map $tidelimit_tier $prm { PRM $who; default ""; }
map $tidelimit_tier $std { PRM ""; default $who; }
map $tidelimit_tier $every_std { PRM ""; default std; }
limit_req_status 429;
limit_req_log_level info;
limit_req_zone $prm zone=payment_prm:4m rate=300r/m;
limit_req_zone $std zone=payment_std:4m rate=100r/m;
limit_req_zone $prm zone=browse_prm:4m rate=300r/m;
limit_req_zone $std zone=browse_std:4m rate=100r/m;
limit_req_zone $every_std zone=browse_std_total:1m rate=50r/s;
limit_req_zone $prm zone=search_prm:4m rate=300r/m;
limit_req_zone $std zone=search_std:4m rate=100r/m;
)";

std::string limits_of(std::string_view endpoint, int std_burst) {
  return fmt::format(
      "limit_req zone={0}_prm burst=299 nodelay; limit_req zone={0}_std burst={1} nodelay;",
      endpoint, std_burst);
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  if (!in) give_up("can't read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) give_up("can't write " + file.string());
}

/// A replacement that must find its place: the files of deploy/ and this change together.
void edit(const fs::path& file, const std::string& old, const std::string& fresh) {
  std::string text = text_of(file);
  const std::size_t at = text.find(old);
  if (at == std::string::npos) give_up(fmt::format("{} no longer says \"{}\"", file.string(), old));
  text.replace(at, old.size(), fresh);
  write(file, text);
}

std::string plain_site(Arm arm, std::uint16_t port, std::uint16_t shop) {
  if (arm == Arm::none) return fmt::format(kPlainSite, port, shop, "", "", "", "");
  return fmt::format(kPlainSite, port, shop, kZones, limits_of("payment", 99),
                     limits_of("browse", 19) + " limit_req zone=browse_std_total burst=49 nodelay;",
                     limits_of("search", 99));
}

/// A customer's key is the name.
void write_customers(const fs::path& folder, std::uint64_t users) {
  std::string keys, tiers;
  for (std::uint64_t i = 0; i < users; ++i) {
    keys += fmt::format("p{0} p{0};\ns{0} s{0};\n", i);
    tiers += fmt::format("p{} PRM;\n", i);
  }
  write(folder / "tidelimit_users.map", keys);
  write(folder / "tidelimit_tiers.map", tiers);
}

}  // namespace

Gateway::Gateway(Arm arm, const Equipment& equipment, const fs::path& folder, Nanos from,
                 Nanos lead)
    : folder_(folder), shop_port_(bench::free_port()), nginx_port_(bench::free_port()) {
  shop_ = std::make_unique<bench::Child>(
      std::vector<std::string>{equipment.self.string(), "--shop", std::to_string(shop_port_)},
      folder_ / "shop.log", bench::kAnyCore);
  shop_->wait_for(shop_port_);
  if (arm != Arm::none && arm != Arm::limit_req)
    start_gate(arm, equipment, from - lead * kLive.pace);
  start_nginx(arm, equipment);
}

void Gateway::start_gate(Arm arm, const Equipment& equipment, Nanos begin) {
  const fs::path home = folder_ / "gate";
  fs::create_directories(home);
  gate_port_ = bench::free_port();
  syslog_port_ = bench::free_port();
  std::string config = configuration(arm, kLive.pace) +
                       fmt::format("listen: {{ http: 127.0.0.1:{}, syslog: 127.0.0.1:{} }}\n",
                                   gate_port_, syslog_port_);
  if (adapts(arm)) {
    config += "state: tidelimit.db\n";
    fs::copy(equipment.bundle, home / "model", fs::copy_options::recursive);
    fs::copy(equipment.history, home / "tidelimit.db");
  }
  write(home / "tidelimit.yaml", config);
  gate_ = std::make_unique<bench::Child>(
      std::vector<std::string>{equipment.tidelimit.string(), "serve", "--config",
                               (home / "tidelimit.yaml").string(), "--loops", "1", "--rehearse",
                               fmt::format("{}@{}", format_time(kDay + begin), kLive.pace)},
      folder_ / "gate.log", bench::kAnyCore);
  gate_->wait_for(gate_port_);
}

void Gateway::start_nginx(Arm arm, const Equipment& equipment) {
  const fs::path home = folder_ / "nginx";
  fs::copy(equipment.deploy, home, fs::copy_options::recursive);
  write_customers(home, equipment.users);
  const fs::path site = home / "site.conf";
  if (gate_port_ == 0) {
    write(site, plain_site(arm, nginx_port_, shop_port_));
  } else {
    edit(home / "tidelimit_upstream.conf", "127.0.0.1:8080",
         fmt::format("127.0.0.1:{}", gate_port_));
    edit(site, "127.0.0.1:5514", fmt::format("127.0.0.1:{}", syslog_port_));
    edit(site, "127.0.0.1:9000", fmt::format("127.0.0.1:{}", shop_port_));
    edit(site, "listen 80;", fmt::format("listen 127.0.0.1:{};", nginx_port_));
    edit(site, "    access_log /var/log/nginx/access.log;\n", "");
    edit(site, "#   set_real_ip_from 10.0.0.0/8;\n#   real_ip_header X-Forwarded-For;\n",
         "set_real_ip_from 127.0.0.0/8;\nreal_ip_header X-Forwarded-For;\n");
  }
  write(home / "nginx.conf",
        fmt::format(kFrame, home.string(), geteuid() == 0 ? "user root;\n" : ""));
  nginx_ = std::make_unique<bench::Child>(
      std::vector<std::string>{"/usr/sbin/nginx", "-p", home.string(), "-c",
                               (home / "nginx.conf").string()},
      folder_ / "nginx.log", bench::kAnyCore);
  nginx_->wait_for(nginx_port_);
}

std::size_t Gateway::gate_silences() const {
  std::ifstream in(folder_ / "nginx/error.log");
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);)
    count += line.find("/_tidelimit/auth") != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace tidelimit::impact
