#include "base/address.hpp"
