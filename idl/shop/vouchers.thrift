/**
 * Gift vouchers. The service moved from Thrift to gRPC and kept this contract: its callers still speak Thrift.
 */

include "common.thrift"

namespace * shop
namespace java com.example.shop
namespace go shop
namespace php Shop

struct Voucher {
  1: required string code
  2: required common.Money value
  /** What is left to spend. */
  3: required common.Money balance
}

/** The voucher was valid once. */
exception VoucherExpired {
  1: required string code
  /** Milliseconds since the Unix epoch. */
  2: required i64 expiredAtMs
} (pb.code = "FAILED_PRECONDITION")

exception UnknownVoucher {
  1: required string code
} (pb.code = "NOT_FOUND")

service Vouchers {
  Voucher look(1: string code) throws (1: UnknownVoucher unknown)

  /** Spends an amount and returns what is left. */
  Voucher redeem(1: string code, 2: common.Money amount) throws (1: UnknownVoucher unknown, 2: VoucherExpired expired)
}
