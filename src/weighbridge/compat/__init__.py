"""Front ends that speak as other tools do, so that scripts written for those run with this one."""
