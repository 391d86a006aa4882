"""The limiter as others get it: built alone, installed, found, compiled against, and run."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CMAKE = os.environ.get("CMAKE", "cmake")
CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=500, **options
    )
    if done.returncode != 0:
        raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tidelimit-embed-")
        cls.addClassCleanup(cls.folder.cleanup)
        here = Path(cls.folder.name)
        cls.prefix = here / "prefix"
        run(CMAKE, "-S", ROOT, "-B", here / "library", "-DCMAKE_BUILD_TYPE=Release",
            "-DTIDELIMIT_LIBRARY_ONLY=ON", f"-DCMAKE_INSTALL_PREFIX={cls.prefix}",
            "-DCMAKE_INSTALL_LIBDIR=lib")
        run(CMAKE, "--build", here / "library", "--target", "library", "--parallel", "2")
        run(CMAKE, "--install", here / "library", "--component", "library")
        cls.here = here
        cls.build = here / "examples"
        run(CMAKE, "-S", ROOT / "examples" / "embed", "-B", cls.build,
            "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={cls.prefix}")
        run(CMAKE, "--build", cls.build)

    def test_the_cpp_example_decides(self):
        self.assertEqual(
            run(self.build / "embed_cpp").splitlines(),
            ["allowed, remaining 1, retry after 0 ms",
             "allowed, remaining 0, retry after 0 ms",
             "denied, remaining 0, retry after 28000 ms"])

    def test_the_c_example_decides(self):
        self.assertEqual(
            run(self.build / "embed_c").splitlines(),
            ["allowed, remaining 1, retry after 0 ms",
             "allowed, remaining 0, retry after 0 ms",
             "denied, remaining 0, retry after 28000 ms",
             "of the batch: 1",
             "denied, remaining 0, retry after 27000 ms",
             "allowed, remaining 1, retry after 0 ms"])

    def test_plain_c_and_cpp_compilers_take_the_c_header(self):
        source = '#include <tidelimit.h>\nint main(void) { return tidelimit_abi_version() != TIDELIMIT_ABI_VERSION; }\n'
        include = f"-I{self.prefix}/include"
        strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", include]
        for compiler, language, standard in ((CC, "c", "c99"), (CC, "c", "c17"),
                                             (CXX, "c++", "c++11"), (CXX, "c++", "c++20")):
            with self.subTest(standard=standard):
                run(compiler, "-x", language, f"-std={standard}", *strict, "-", input=source)
        both = "#include <tidelimit.h>\n#include <tidelimit/limiter.hpp>\n"
        run(CXX, "-x", "c++", "-std=c++20", *strict, "-", input=both)

    def test_add_subdirectory_has_the_same_headers_and_no_others(self):
        folder = self.here / "subproject"
        folder.mkdir()
        for example in ("embed.cpp", "embed.c"):
            (folder / example).write_text((ROOT / "examples" / "embed" / example).read_text())
        (folder / "own.cpp").write_text(
            '#if __has_include("base/time.hpp")\n#error "base/ of the tree is on the path"\n#endif\n')
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(mine LANGUAGES C CXX)\n"
            f"add_subdirectory({ROOT} tidelimit)\n"
            "add_executable(embed_cpp embed.cpp own.cpp)\n"
            "target_link_libraries(embed_cpp PRIVATE tidelimit::limiter)\n"
            "add_executable(embed_c embed.c)\ntarget_link_libraries(embed_c PRIVATE tidelimit::c)\n")
        build = folder / "build"
        run(CMAKE, "-S", folder, "-B", build, "-DCMAKE_BUILD_TYPE=Release")
        run(CMAKE, "--build", build, "--parallel", "2")
        for name in ("embed_cpp", "embed_c"):
            self.assertEqual(run(build / name), run(self.build / name))

    def test_pkg_config_finds_it_wherever_it_was_installed(self):
        elsewhere = self.here / "elsewhere"
        run(CMAKE, "--install", self.here / "library", "--component", "library", "--prefix", elsewhere)
        paths = {"PKG_CONFIG_PATH": str(elsewhere / "lib/pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "tidelimit", env={**os.environ, **paths}).split()
        program = self.here / "by_pkg_config"
        run(CC, "-std=c99", ROOT / "examples/embed/embed.c", "-o", program, *flags)
        self.assertIn(str(elsewhere), str(Path(flags[0][2:]).resolve()))
        run(program, env={**os.environ, "LD_LIBRARY_PATH": str(elsewhere / "lib")})

    def test_c_alone_needs_neither_cpp_nor_its_libraries(self):
        folder = self.here / "c_alone"
        folder.mkdir()
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.18)\nproject(mine LANGUAGES C)\n"
            "find_package(tidelimit 0.1 REQUIRED COMPONENTS c)\n"
            f"add_executable(embed_c {ROOT}/examples/embed/embed.c)\n"
            "target_link_libraries(embed_c PRIVATE tidelimit::c)\n")
        run(CMAKE, "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_DISABLE_FIND_PACKAGE_tl-expected=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON")
        run(CMAKE, "--build", folder / "build")
        self.assertEqual(run(folder / "build" / "embed_c"), run(self.build / "embed_c"))

    def test_only_headers_of_tidelimit_stand_on_the_include_path(self):
        self.assertEqual(sorted(path.name for path in (self.prefix / "include").iterdir()),
                         ["tidelimit", "tidelimit.h"])

    def test_every_installed_header_finds_what_it_includes(self):
        folder = self.prefix / "include"
        headers = [path.relative_to(folder) for path in folder.glob("tidelimit/**/*.hpp")]
        self.assertGreater(len(headers), 10)
        run(CXX, "-std=c++20", "-fsyntax-only", f"-I{folder}", "-x", "c++", "-",
            input="".join(f"#include <{header}>\n" for header in sorted(headers, reverse=True)))

    def test_the_shared_library_shows_its_c_functions_and_no_more(self):
        names = re.findall(r" [TWBVDu] (\S+)",
                           run("nm", "-D", "--defined-only", self.prefix / "lib/libtidelimit.so"))
        header = (self.prefix / "include/tidelimit.h").read_text()
        declared = re.findall(r"TIDELIMIT_API [\w* ]+?(tidelimit_\w+)\(", header)
        self.assertGreater(len(declared), 7)
        # Weak templates of the C++ library (std::) are shared by name, as everywhere.
        self.assertEqual(sorted(n for n in names if not n.startswith("_Z")), sorted(declared))
        self.assertEqual([n for n in names if "tidelimit" in n and n.startswith("_Z")], [])

    def test_the_package_needs_three_others_at_most(self):
        config = next(self.prefix.glob("**/tidelimitConfig.cmake")).read_text()
        needs = re.findall(r"find_dependency\((?!PkgConfig)\S+\)|pkg_check_modules\(\w+", config)
        self.assertLessEqual(len(needs), 3, needs)


if __name__ == "__main__":
    unittest.main()
