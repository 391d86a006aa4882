#include "base/path.hpp"
