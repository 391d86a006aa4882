#include "base/rate.hpp"
