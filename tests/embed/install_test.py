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
