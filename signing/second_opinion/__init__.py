"""What programs that share no code with us say of the signatures of a PDF: openssl and endesive, each in a limited process.

    report = with_second_opinion(verify(pdf, trust), pdf, trust)
    opinions = second_opinion(pdf, trust)      # Opinion(by="openssl", says=Says.VALID, ...)

Asked only for what they do honestly: does the digest fit the signed bytes, does the signature value fit the certificate's key.
"""

from signing.second_opinion.opinions import Opinion, Says, second_opinion, with_second_opinion

__all__ = ["Opinion", "Says", "second_opinion", "with_second_opinion"]
